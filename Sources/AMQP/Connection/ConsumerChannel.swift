import NIOCore

/// The channel of one consumer. Confined to its event loop.
final class ConsumerChannel: ChannelUser {
    let number: UInt16
    private let handler: ConnectionHandler
    private let buffer: DeliveryBuffer
    private let endedSignal: OneShot<AMQPError>
    /// Set before the first delivery can come.
    var settler: (any DeliverySettler)?
    private var coalescer = AckCoalescer()
    private var batch: [Delivery] = []
    private var isEnded = false

    init(number: UInt16, handler: ConnectionHandler, buffer: DeliveryBuffer, ended: OneShot<AMQPError>) {
        self.number = number
        self.handler = handler
        self.buffer = buffer
        self.endedSignal = ended
    }

    func receive(_ content: Content) {
        guard case .basicDeliver(_, let tag, let redelivered, let exchange, let routingKey) = content.method,
            let settler
        else { return }
        guard coalescer.delivered(tag) else {
            handler.stop(AMQPError(.protocolViolation, "the broker numbered a delivery \(tag) out of order"))
            return
        }
        var properties = content.properties
        // It means something to its publisher only.
        properties.headers?[ConfirmTracker.numberHeader] = nil
        batch.append(
            Delivery(
                body: content.body,
                exchange: exchange,
                routingKey: routingKey,
                messageID: properties.messageID,
                correlationID: properties.correlationID,
                replyTo: properties.replyTo,
                contentType: properties.contentType,
                type: properties.type,
                userID: properties.userID,
                headers: properties.headers ?? [:],
                redelivered: redelivered,
                tag: tag,
                settler: settler
            )
        )
    }

    func receive(_ method: Method) {
        guard case .basicCancel = method else { return }
        handler.closeChannel(number, AMQPError(.notFound, "the broker cancelled the consumer: its queue is gone"))
    }

    func receivedAll() {
        guard !batch.isEmpty else { return }
        buffer.append(batch)
        batch = []
    }

    func ended(_ error: AMQPError) {
        isEnded = true
        settler = nil  // ends the cycle of channel, settler and mailbox
        batch = []
        buffer.dropAll()
        endedSignal.complete(.success(error))
    }

    /// Asks for no more deliveries; those at hand can still be settled.
    func cancel() {
        guard !isEnded else { return }
        _ = handler.request([.basicCancel(tag: Self.consumerTag)], channel: number)
        handler.flush()
    }

    /// One consumer on each channel, so one name is enough.
    static let consumerTag = "consumer"

    /// Tells the broker what has been settled; for an ended channel that has no meaning.
    func settle(_ settlements: [Settlement]) {
        guard !isEnded else { return }
        for method in coalescer.settle(settlements) { try? handler.write(method, channel: number) }
        handler.flush()
    }
}

/// Carries settlements to a consumer's channel, a burst with one wake-up.
final class ChannelSettler: DeliverySettler {
    private let mailbox: Mailbox<Settlement>

    init(channel: NIOLoopBound<ConsumerChannel>, eventLoop: any EventLoop) {
        mailbox = Mailbox(eventLoop: eventLoop) { channel.value.settle($0) }
    }

    func settle(_ settlements: [Settlement]) { mailbox.post(settlements) }
}
