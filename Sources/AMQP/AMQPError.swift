/// Everything that the message bus can fail with.
///
/// The message never holds the password or a message's content.
package struct AMQPError: Error, CustomStringConvertible, Sendable {
    /// What kind of failure it is. New codes may be added, so a `switch` needs a default.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String

        /// The broker address cannot be understood.
        package static let invalidURL = Code(description: "invalidURL")
        /// No connection could be made.
        package static let connectionFailed = Code(description: "connectionFailed")
        /// The broker refused the user, the password or the virtual host.
        package static let accessRefused = Code(description: "accessRefused")
        /// A deadline passed.
        package static let timedOut = Code(description: "timedOut")
        /// The broker closed a channel.
        package static let channelClosed = Code(description: "channelClosed")
        /// The connection is gone, or there is none.
        package static let connectionClosed = Code(description: "connectionClosed")
        /// Something exists with other properties than those asked for.
        package static let preconditionFailed = Code(description: "preconditionFailed")
        /// A queue or exchange does not exist.
        package static let notFound = Code(description: "notFound")
        /// A message reached no queue.
        package static let returned = Code(description: "returned")
        /// The peer does not speak AMQP 0-9-1 as it should.
        package static let protocolViolation = Code(description: "protocolViolation")
        /// The client has been shut down.
        package static let shutDown = Code(description: "shutDown")
        /// What was asked for cannot be sent: a name above 255 bytes, headers above the frame size, a call id in use.
        package static let invalidArgument = Code(description: "invalidArgument")
        /// A certificate or key cannot be used.
        package static let tlsFailed = Code(description: "tlsFailed")
    }

    /// The kind of failure.
    package var code: Code
    /// A sentence for an operator.
    package var message: String
    /// What caused it, when there is more to know.
    package var underlying: (any Error)?
    /// Whether the same request may succeed later without any change.
    package var isRetriable: Bool

    package init(_ code: Code, _ message: String, underlying: (any Error)? = nil, isRetriable: Bool? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
        self.isRetriable = isRetriable ?? Self.retriable.contains(code)
    }

    package var description: String { "\(message) (\(code))" }

    private static let retriable: Set<Code> = [
        .connectionFailed, .timedOut, .channelClosed, .connectionClosed, .returned,
    ]
}

extension AMQPError {
    /// The error for a reply code with which the broker closed a channel or connection.
    static func closedByBroker(code: UInt16, text: String, connection: Bool) -> AMQPError {
        let kind: Code
        switch code {
        case 403, 530: kind = connection ? .accessRefused : .channelClosed
        case 404: kind = .notFound
        case 406: kind = .preconditionFailed
        case 501, 502, 503, 504, 505: kind = .protocolViolation
        default: kind = connection ? .connectionClosed : .channelClosed
        }
        return AMQPError(kind, "the broker closed the \(connection ? "connection" : "channel"): \(code) \(text)")
    }

    /// The error as it is, or wrapped with a code.
    static func wrapping(_ error: any Error, as code: Code, _ message: String) -> AMQPError {
        if let own = error as? AMQPError { return own }
        return AMQPError(code, "\(message): \(error)", underlying: error)
    }
}
