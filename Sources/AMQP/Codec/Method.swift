/// One AMQP method with its arguments: every method that the client sends or understands.
enum Method: Hashable, Sendable {
    case connectionStart(major: UInt8, minor: UInt8, properties: [String: AMQPFieldValue], mechanisms: String)
    case connectionStartOK(properties: [String: AMQPFieldValue], mechanism: String, response: String)
    case connectionTune(Limits)
    case connectionTuneOK(Limits)
    case connectionOpen(virtualHost: String)
    case connectionOpenOK
    case connectionClose(Closing)
    case connectionCloseOK
    case connectionBlocked(reason: String)
    case connectionUnblocked
    case channelOpen
    case channelOpenOK
    case channelFlow(active: Bool)
    case channelFlowOK(active: Bool)
    case channelClose(Closing)
    case channelCloseOK
    case exchangeDeclare(Exchange)
    case exchangeDeclareOK
    case queueDeclare(Queue)
    case queueDeclareOK(queue: String, messages: UInt32, consumers: UInt32)
    case queueBind(Binding)
    case queueBindOK
    case queueUnbind(Binding)
    case queueUnbindOK
    case basicQos(prefetch: UInt16)
    case basicQosOK
    case basicConsume(queue: String, tag: String)
    case basicConsumeOK(tag: String)
    case basicCancel(tag: String)
    case basicCancelOK(tag: String)
    case basicPublish(exchange: String, routingKey: String, mandatory: Bool)
    case basicReturn(code: UInt16, text: String, exchange: String, routingKey: String)
    case basicDeliver(consumer: String, tag: UInt64, redelivered: Bool, exchange: String, routingKey: String)
    case basicAck(tag: UInt64, multiple: Bool)
    case basicNack(tag: UInt64, multiple: Bool, requeue: Bool)
    case basicReject(tag: UInt64, requeue: Bool)
    case confirmSelect
    case confirmSelectOK

    /// What connection.tune agrees on; 0 means no limit.
    struct Limits: Hashable, Sendable {
        var channelMax: UInt16
        var frameMax: UInt32
        /// Seconds; 0 means none.
        var heartbeat: UInt16
    }

    /// Why a channel or connection closes.
    struct Closing: Hashable, Sendable {
        var code: UInt16
        var text: String
        /// The method that the close is about, or 0.
        var about: UInt32 = 0
    }

    /// Whether a header and bodies follow.
    var carriesContent: Bool {
        switch self {
        case .basicPublish, .basicReturn, .basicDeliver: true
        default: false
        }
    }

    /// Whether it answers a method that was sent before on the same channel.
    var isReply: Bool {
        switch self {
        case .channelOpenOK, .exchangeDeclareOK, .queueDeclareOK, .queueBindOK, .queueUnbindOK, .basicQosOK,
            .basicConsumeOK,
            .basicCancelOK, .confirmSelectOK:
            true
        default: false
        }
    }
}

/// The properties of a message.
struct Properties: Hashable, Sendable {
    var contentType: String?
    var headers: [String: AMQPFieldValue]?
    /// 2 survives a restart in a durable queue.
    var deliveryMode: UInt8?
    var correlationID: String?
    var replyTo: String?
    var expiration: String?
    var messageID: String?
    var type: String?
    /// The user that published; the broker takes no other than that of the connection.
    var userID: String?
}

/// One frame.
struct Frame: Hashable, Sendable {
    enum Payload: Hashable, Sendable {
        case method(Method)
        case header(bodySize: UInt64, Properties)
        case body([UInt8])
        case heartbeat
    }

    var channel: UInt16
    var payload: Payload
}
