/// What lives on one AMQP channel. Everything here happens on the connection's event loop.
protocol ChannelUser: AnyObject, SendableMetatype {
    /// A method that is no reply and has no content: confirms, a cancel by the broker.
    func receive(_ method: Method)
    /// A delivery or a return.
    func receive(_ content: Content)
    /// Everything that was at hand has been received.
    func receivedAll()
    /// `connection.blocked` or the socket's writability changed.
    func writabilityChanged()
    /// The channel is gone. Called once, and nothing after it.
    func ended(_ error: AMQPError)
}

extension ChannelUser {
    func receive(_ method: Method) {}
    func receive(_ content: Content) {}
    func receivedAll() {}
    func writabilityChanged() {}
}

/// A channel on which only requests are made.
final class RequestOnlyChannel: ChannelUser {
    func ended(_ error: AMQPError) {}
}
