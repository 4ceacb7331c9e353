import DequeModule
import NIOCore

/// The shell around one connection's state machines: moves bytes, keeps channels, beats the heart.
///
/// Confined to its event loop; `Connection` is its Sendable face.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Slot {
        var user: any ChannelUser
        var assembly = ContentAssembly()
        var requests: Deque<OneShot<Method>> = []
        /// channel.close is out; what still comes is of no interest.
        var isClosing = false
    }

    let opened: OneShot<Void>
    let endedSignal: OneShot<AMQPError>
    private let onBlocked: @Sendable (Bool) -> Void
    private let connectTimeout: TimeAmount
    private let eventLoop: any EventLoop

    private let decoder: FrameDecoder
    private var encoder = FrameEncoder()
    private var handshake: Handshake
    private var clock: HeartbeatClock?
    private var heartbeatTimer: Scheduled<Void>?
    private var handshakeTimer: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    private var outbound = ByteBuffer()
    private var slots: [UInt16: Slot] = [:]
    private var nextChannel: UInt16 = 1
    private var end: AMQPError?
    private(set) var isBlocked = false

    init(
        configuration: AMQPConfiguration,
        eventLoop: any EventLoop,
        opened: OneShot<Void>,
        ended: OneShot<AMQPError>,
        onBlocked: @escaping @Sendable (Bool) -> Void
    ) throws(AMQPError) {
        decoder = try FrameDecoder()
        handshake = Handshake(configuration)
        connectTimeout = TimeAmount(configuration.connectTimeout)
        self.eventLoop = eventLoop
        self.opened = opened
        self.endedSignal = ended
        self.onBlocked = onBlocked
    }

    /// Whether messages may be written now: neither is the connection blocked nor the socket full.
    var mayPublish: Bool { !isBlocked && context?.channel.isWritable == true && end == nil }

    /// For timers of channel users; they exist only while the handler is in a pipeline.
    var isolatedLoop: NIOIsolatedEventLoop { eventLoop.assumeIsolated() }

    // MARK: channels

    /// Takes a free channel number for `user`; the caller sends channel.open. Throws when the connection has ended.
    func addChannel(_ make: (UInt16) -> any ChannelUser) throws(AMQPError) -> UInt16 {
        if let end { throw end }
        for _ in 0..<handshake.limits.channelMax {
            let number = nextChannel
            nextChannel = nextChannel >= handshake.limits.channelMax ? 1 : nextChannel + 1
            if slots[number] == nil {
                slots[number] = Slot(user: make(number))
                return number
            }
        }
        throw AMQPError(.channelClosed, "all \(handshake.limits.channelMax) channels of the connection are in use")
    }

    /// Sends methods that are each answered by one; the answers complete in order.
    func request(_ methods: [Method], channel: UInt16) -> [OneShot<Method>] {
        methods.map { method in
            let reply = OneShot<Method>()
            guard slots[channel]?.isClosing == false else {
                reply.complete(.failure(end ?? AMQPError(.channelClosed, "the channel is closed")))
                return reply
            }
            do {
                try write(method, channel: channel)
                slots[channel]?.requests.append(reply)
            } catch {
                reply.complete(.failure(error))
            }
            return reply
        }
    }

    /// Closes a channel and tells its user.
    func closeChannel(_ number: UInt16, _ error: AMQPError) {
        guard let slot = slots[number], !slot.isClosing else { return }
        slots[number]?.isClosing = true
        try? write(.channelClose(Method.Closing(code: 200, text: "bye")), channel: number)
        flush()
        finish(slot, error)
    }

    // MARK: writing

    /// Adds a method to what leaves with the next flush. Without an open connection it goes nowhere.
    func write(_ method: Method, channel: UInt16) throws(AMQPError) {
        guard end == nil else { return }
        try encoder.write(method, channel: channel, to: &outbound)
    }

    /// Adds a message to what leaves with the next flush.
    func write(_ message: OutgoingMessage, channel: UInt16) throws(AMQPError) {
        if let end { throw end }
        try encoder.write(message, channel: channel, to: &outbound)
    }

    /// Sends what has been written.
    func flush() {
        guard let context, outbound.readableBytes > 0 else { return }
        let bytes = outbound
        outbound = context.channel.allocator.buffer(capacity: 0)
        clock?.sent(at: .now())
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    // MARK: the end

    /// Asks the broker to close; `endedSignal` tells when it has.
    func closePolitely() {
        guard end == nil else { return }
        guard handshake.state == .open else { return stop(AMQPError(.connectionClosed, "closed before it was open")) }
        try? write(.connectionClose(Method.Closing(code: 200, text: "bye")), channel: 0)
        flush()
    }

    /// Ends the connection at once.
    func stop(_ error: AMQPError) {
        guard end == nil else { return }
        end = error
        heartbeatTimer?.cancel()
        handshakeTimer?.cancel()
        let slots = slots
        self.slots = [:]
        for slot in slots.values where !slot.isClosing { finish(slot, error) }
        opened.complete(.failure(error))
        context?.close(promise: nil)
        if isBlocked { onBlocked(false) }
        endedSignal.complete(.success(error))
    }

    private func finish(_ slot: Slot, _ error: AMQPError) {
        for request in slot.requests { request.complete(.failure(error)) }
        slot.user.ended(error)
    }

    // MARK: NIO's events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) {
        stop(AMQPError(.connectionClosed, "the connection was closed"))
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: FrameEncoder.protocolHeader)), promise: nil)
        handshakeTimer = isolatedLoop.scheduleTask(in: connectTimeout) { [weak self] in
            guard let self, self.handshake.state != .open else { return }
            self.stop(AMQPError(.timedOut, "the broker was too slow: waiting for \(self.handshake.waitingFor)"))
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        perform(handshake.receiveEnd())
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        stop(TLS.explanation(error) ?? .wrapping(error, as: .connectionClosed, "the connection failed"))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { tellWritability() }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        clock?.received(at: .now())
        decoder.append(unwrapInboundIn(data))
        do {
            while end == nil, let frame = try decoder.next() { try receive(frame) }
        } catch {
            stop(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        for slot in slots.values where !slot.isClosing { slot.user.receivedAll() }
        flush()
        context.fireChannelReadComplete()
    }

    // MARK: frames

    private func receive(_ frame: Frame) throws(AMQPError) {
        switch frame.payload {
        case .heartbeat: break
        case .method(let method) where frame.channel == 0: try receiveOnConnection(method)
        case .method(let method): try receive(method, channel: frame.channel)
        case .header(let bodySize, let properties):
            try withContent(frame.channel) { (assembly) throws(AMQPError) in
                try assembly.header(bodySize: bodySize, properties)
            }
        case .body(let bytes):
            try withContent(frame.channel) { (assembly) throws(AMQPError) in try assembly.body(bytes) }
        }
    }

    private func withContent(
        _ channel: UInt16,
        _ advance: (inout ContentAssembly) throws(AMQPError) -> Content?
    ) throws(AMQPError) {
        guard slots[channel] != nil else { throw Self.unknownChannel(channel) }
        guard let content = try advance(&slots[channel]!.assembly), let slot = slots[channel], !slot.isClosing else {
            return
        }
        slot.user.receive(content)
    }

    private func receive(_ method: Method, channel: UInt16) throws(AMQPError) {
        guard let slot = slots[channel] else { throw Self.unknownChannel(channel) }
        switch method {
        case .channelClose(let closing):
            slots[channel] = nil
            try write(.channelCloseOK, channel: channel)
            flush()
            if !slot.isClosing {
                finish(slot, .closedByBroker(code: closing.code, text: closing.text, connection: false))
            }
        case .channelCloseOK:
            guard slot.isClosing else { throw Self.unexpected(method) }
            slots[channel] = nil
        case .channelFlow(let active):
            try write(.channelFlowOK(active: active), channel: channel)
        case _ where method.carriesContent:
            try slots[channel]!.assembly.begin(method)
        case _ where slot.assembly.isInside:
            throw Self.unexpected(method)
        case _ where method.isReply:
            if slot.isClosing { return }
            guard let request = slots[channel]?.requests.popFirst() else { throw Self.unexpected(method) }
            request.complete(.success(method))
        case .basicAck, .basicNack, .basicCancel:
            if !slot.isClosing { slot.user.receive(method) }
        default: throw Self.unexpected(method)
        }
    }

    private func receiveOnConnection(_ method: Method) throws(AMQPError) {
        switch method {
        case _ where handshake.state != .open:
            perform(handshake.receive(method))
        case .connectionClose(let closing):
            try write(.connectionCloseOK, channel: 0)
            flush()
            stop(.closedByBroker(code: closing.code, text: closing.text, connection: true))
        case .connectionCloseOK:
            stop(AMQPError(.connectionClosed, "the connection was closed"))
        case .connectionBlocked: changeBlocked(true)
        case .connectionUnblocked: changeBlocked(false)
        default: throw Self.unexpected(method)
        }
    }

    private func perform(_ directive: Handshake.Directive) {
        switch directive {
        case .send(let methods):
            do {
                for method in methods { try write(method, channel: 0) }
                flush()
            } catch {
                stop(error)
            }
        case .opened: becomeOpen()
        case .fail(let code, let message):
            // A connection.close deserves its answer even when it comes before the connection is open.
            if context?.channel.isActive == true, code != .protocolViolation {
                try? write(.connectionCloseOK, channel: 0)
                flush()
            }
            stop(AMQPError(code, message))
        }
    }

    private func becomeOpen() {
        handshakeTimer?.cancel()
        encoder.frameMax = Int(handshake.limits.frameMax)
        clock = HeartbeatClock(interval: .seconds(Int64(handshake.limits.heartbeat)), now: .now())
        scheduleHeartbeat()
        opened.complete(.success(()))
    }

    private func scheduleHeartbeat() {
        guard let clock, end == nil else { return }
        heartbeatTimer = isolatedLoop.scheduleTask(in: clock.checkInterval) { [weak self] in
            self?.checkClock()
            self?.scheduleHeartbeat()
        }
    }

    private func checkClock() {
        switch clock?.check(at: .now()) {
        case .send:
            encoder.writeHeartbeat(to: &outbound)
            flush()
        case .dead:
            stop(AMQPError(.connectionClosed, "the broker has been silent for two heartbeat intervals"))
        case .some(.none), nil: break
        }
    }

    private func changeBlocked(_ blocked: Bool) {
        guard isBlocked != blocked else { return }
        isBlocked = blocked
        onBlocked(blocked)
        if !blocked { tellWritability() }
    }

    private func tellWritability() {
        for slot in slots.values where !slot.isClosing { slot.user.writabilityChanged() }
    }

    private static func unknownChannel(_ number: UInt16) -> AMQPError {
        AMQPError(.protocolViolation, "the broker used channel \(number), which is not open")
    }

    private static func unexpected(_ method: Method) -> AMQPError {
        let name = String(describing: method).prefix { $0 != "(" }
        return AMQPError(.protocolViolation, "the broker sent \(name), which is not expected now")
    }
}
