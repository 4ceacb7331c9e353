/// A method with its properties and whole body.
struct Content: Hashable, Sendable {
    var method: Method
    var properties: Properties
    var body: [UInt8]
}

/// Puts the frames of one channel's messages together.
struct ContentAssembly: Sendable {
    /// RabbitMQ's own default limit of a message.
    static let bodyLimit: UInt64 = 128 << 20

    /// Transitions: idle -> header -> body -> idle; header -> idle for an empty body.
    private enum State: Sendable {
        case idle
        case header(Method)
        case body(Content, missing: Int)
    }

    private var state = State.idle

    /// Whether a message is half received: a method must not come now.
    var isInside: Bool {
        if case .idle = state { false } else { true }
    }

    /// A method that carries content begins a message.
    mutating func begin(_ method: Method) throws(AMQPError) {
        guard !isInside else { throw Self.violation("a method interrupts a message") }
        state = .header(method)
    }

    /// Returns the message when it has no body.
    mutating func header(bodySize: UInt64, _ properties: Properties) throws(AMQPError) -> Content? {
        guard case .header(let method) = state else { throw Self.violation("a header without its method") }
        guard bodySize <= Self.bodyLimit else { throw Self.violation("a message of \(bodySize) bytes") }
        let content = Content(method: method, properties: properties, body: [])
        guard bodySize > 0 else {
            state = .idle
            return content
        }
        state = .body(content, missing: Int(bodySize))
        return nil
    }

    /// Returns the message when this is its last part.
    mutating func body(_ bytes: [UInt8]) throws(AMQPError) -> Content? {
        guard case .body(var content, let missing) = state else { throw Self.violation("a body without its header") }
        guard bytes.count <= missing else { throw Self.violation("a body longer than its header says") }
        state = .idle  // lets the body be appended to in place
        if content.body.isEmpty { content.body = bytes } else { content.body += bytes }
        if bytes.count == missing { return content }
        state = .body(content, missing: missing - bytes.count)
        return nil
    }

    private static func violation(_ what: String) -> AMQPError {
        AMQPError(.protocolViolation, "the broker does not speak AMQP 0-9-1 as it should: \(what)")
    }
}
