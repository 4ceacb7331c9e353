import DequeModule
import NIOConcurrencyHelpers
import NIOCore

/// Messages that are published together, and who waits for their outcomes.
struct PublishBatch: Sendable {
    var messages: [OutgoingMessage]
    var timeout: Duration
    var continuation: CheckedContinuation<[PublishOutcome], Never>
}

/// The channel on which messages are published with confirms. Confined to its event loop.
final class PublishChannel: ChannelUser {
    private let number: UInt16
    private let handler: ConnectionHandler
    private let loop: NIOIsolatedEventLoop
    private let endedSignal: OneShot<AMQPError>

    private var tracker = ConfirmTracker()
    private var nextBatch: UInt64 = 0
    /// Not written yet: the connection is blocked or the socket is full.
    private var waiting: Deque<(id: UInt64, messages: [OutgoingMessage])> = []
    private var waiters: [UInt64: (CheckedContinuation<[PublishOutcome], Never>, Scheduled<Void>)] = [:]
    private var idleSignals: [OneShot<Void>] = []
    private var isEnded = false

    init(number: UInt16, handler: ConnectionHandler, loop: NIOIsolatedEventLoop, ended: OneShot<AMQPError>) {
        self.number = number
        self.handler = handler
        self.loop = loop
        self.endedSignal = ended
    }

    func submit(_ batches: [PublishBatch]) {
        for batch in batches {
            guard !isEnded else {
                batch.continuation.resume(returning: Array(repeating: .unknown, count: batch.messages.count))
                continue
            }
            nextBatch += 1
            let id = nextBatch
            tracker.open(batch: id, count: batch.messages.count)
            let timer = loop.scheduleTask(in: TimeAmount(batch.timeout)) { self.expire(id) }
            waiters[id] = (batch.continuation, timer)
            waiting.append((id, batch.messages))
        }
        pump()
    }

    /// Completes when no batch is open.
    func whenIdle(_ signal: OneShot<Void>) {
        if waiters.isEmpty { signal.complete(.success(())) } else { idleSignals.append(signal) }
    }

    func receive(_ method: Method) {
        switch method {
        case .basicAck(let tag, let multiple): finish(tracker.confirmed(tag: tag, multiple: multiple, positive: true))
        case .basicNack(let tag, let multiple, _):
            finish(tracker.confirmed(tag: tag, multiple: multiple, positive: false))
        default: break
        }
    }

    func receive(_ content: Content) {
        guard case .basicReturn(let code, let text, let exchange, let routingKey) = content.method else { return }
        tracker.returned(
            ConfirmTracker.ReturnKey(
                exchange: exchange,
                routingKey: routingKey,
                messageID: content.properties.messageID
            ),
            code: Int(code),
            text: text
        )
    }

    func writabilityChanged() { pump() }

    func ended(_ error: AMQPError) {
        isEnded = true
        waiting.removeAll()
        finish(tracker.expireAll())
        endedSignal.complete(.success(error))
    }

    private func pump() {
        while handler.mayPublish, let batch = waiting.popFirst() {
            for (index, message) in batch.messages.enumerated() {
                do {
                    try handler.write(message, channel: number)
                    let key = ConfirmTracker.ReturnKey(
                        exchange: message.exchange,
                        routingKey: message.routingKey,
                        messageID: message.messageID
                    )
                    tracker.published(batch: batch.id, index: index, key: message.mandatory ? key : nil)
                } catch {
                    // It cannot be sent as it is, now or later, so it is refused like by the broker.
                    if let done = tracker.settleUnsent(batch: batch.id, index: index, .nacked) { finish([done]) }
                }
            }
            handler.flush()
        }
    }

    private func expire(_ batch: UInt64) {
        waiting.removeAll { $0.id == batch }
        if let done = tracker.expire(batch: batch) { finish([done]) }
    }

    private func finish(_ finished: [ConfirmTracker.Finished]) {
        for batch in finished {
            guard let (continuation, timer) = waiters.removeValue(forKey: batch.batch) else { continue }
            timer.cancel()
            continuation.resume(returning: batch.outcomes)
        }
        guard waiters.isEmpty, !idleSignals.isEmpty else { return }
        for signal in idleSignals { signal.complete(.success(())) }
        idleSignals = []
    }
}

/// Hands commands from any thread to an event loop: a burst costs one wake-up.
final class Mailbox<Command: Sendable>: Sendable {
    private let pending = NIOLockedValueBox<[Command]>([])
    private let eventLoop: any EventLoop
    private let deliver: @Sendable ([Command]) -> Void

    init(eventLoop: any EventLoop, deliver: @escaping @Sendable ([Command]) -> Void) {
        self.eventLoop = eventLoop
        self.deliver = deliver
    }

    func post(_ commands: [Command]) {
        guard !commands.isEmpty else { return }
        let isFirst = pending.withLockedValue { pending in
            defer { pending += commands }
            return pending.isEmpty
        }
        guard isFirst else { return }
        eventLoop.execute {
            let commands = self.pending.withLockedValue { pending in
                defer { pending = [] }
                return pending
            }
            self.deliver(commands)
        }
    }
}
