/// A message to publish.
package struct OutgoingMessage: Sendable {
    /// The empty name is the default exchange, which routes by queue name.
    package var exchange: String
    package var routingKey: String
    package var body: [UInt8]
    package var messageID: String?
    package var correlationID: String?
    package var contentType: String?
    package var type: String?
    package var replyTo: String?
    /// Who publishes: the broker refuses any other user than that of the connection, so that readers can rely on it.
    package var userID: String?
    /// After this time in a queue the message is dropped or dead-lettered.
    package var expirationMilliseconds: Int?
    /// Whether a durable queue keeps it over a restart.
    package var persistent: Bool
    /// Whether the broker returns it when no queue takes it. While an unsettled one has the same exchange, routing key
    /// and message id, it carries the header `x-publish-number`, so that a return can be told apart.
    package var mandatory: Bool
    package var headers: [String: AMQPFieldValue]

    package init(
        exchange: String = "",
        routingKey: String,
        body: [UInt8],
        messageID: String? = nil,
        correlationID: String? = nil,
        contentType: String? = "application/json",
        type: String? = nil,
        replyTo: String? = nil,
        expirationMilliseconds: Int? = nil,
        persistent: Bool = true,
        mandatory: Bool = false,
        headers: [String: AMQPFieldValue] = [:],
        userID: String? = nil
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.body = body
        self.messageID = messageID
        self.correlationID = correlationID
        self.contentType = contentType
        self.type = type
        self.replyTo = replyTo
        self.expirationMilliseconds = expirationMilliseconds
        self.persistent = persistent
        self.mandatory = mandatory
        self.headers = headers
        self.userID = userID
    }
}

/// What became of one published message.
package enum PublishOutcome: Sendable, Hashable {
    /// The broker has it, as safely as the queue's kind allows.
    case acked
    /// The broker refused it: a queue is full and set to reject, or failed inside.
    case nacked
    /// No queue took a mandatory message.
    case returned(code: Int, text: String)
    /// Nobody knows: not connected, the connection was lost, or the deadline passed. It may have arrived or may still.
    case unknown
}
