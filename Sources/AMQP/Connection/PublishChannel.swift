import DequeModule
import NIOConcurrencyHelpers
import NIOCore

/// Messages that are published together, and who waits for their outcomes.
struct PublishBatch: Sendable {
    /// Tells whether somebody still waits; its identity is the batch's.
    final class Ticket: Sendable {
        private let cancelled = NIOLockedValueBox(false)
        var isCancelled: Bool { cancelled.withLockedValue { $0 } }
        func cancel() { cancelled.withLockedValue { $0 = true } }
    }

    var messages: [OutgoingMessage]
    var timeout: Duration
    var ticket: Ticket
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
    /// Not wholly written yet: the connection is blocked or the socket is full.
    private var waiting: Deque<Unwritten> = []
    private var waiters: [UInt64: Waiter] = [:]
    private var idleSignals: [OneShot<Void>] = []
    private var isEnded = false
    private var isPumping = false

    private struct Unwritten {
        let id: UInt64
        let messages: [OutgoingMessage]
        var next = 0
    }

    private struct Waiter {
        let ticket: PublishBatch.Ticket
        let continuation: CheckedContinuation<[PublishOutcome], Never>
        let timer: Scheduled<Void>
    }

    /// How many messages are written between two looks at the socket: with less the system calls cost more than the
    /// messages, with more a full socket or a blocked connection is noticed late.
    private static let portion = 128

    init(number: UInt16, handler: ConnectionHandler, loop: NIOIsolatedEventLoop, ended: OneShot<AMQPError>) {
        self.number = number
        self.handler = handler
        self.loop = loop
        self.endedSignal = ended
    }

    func submit(_ batches: [PublishBatch]) {
        for batch in batches {
            guard !isEnded, !batch.ticket.isCancelled else {
                batch.continuation.resume(returning: Array(repeating: .unknown, count: batch.messages.count))
                continue
            }
            nextBatch += 1
            let id = nextBatch
            tracker.open(batch: id, count: batch.messages.count)
            let timer = loop.scheduleTask(in: TimeAmount(batch.timeout)) { self.expire(id) }
            waiters[id] = Waiter(ticket: batch.ticket, continuation: batch.continuation, timer: timer)
            waiting.append(Unwritten(id: id, messages: batch.messages))
        }
        pump()
    }

    /// Gives up on a batch whose publisher was cancelled. Nothing more of it is written.
    func abandon(_ ticket: PublishBatch.Ticket) {
        guard let id = waiters.first(where: { $0.value.ticket === ticket })?.key else { return }
        expire(id)
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
            number: Self.number(content.properties.headers),
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
        // A flush may tell that the socket has room again before it returns.
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        while handler.mayPublish, !waiting.isEmpty { writePortion() }
    }

    private func writePortion() {
        var batch = waiting.removeFirst()
        let end = min(batch.next + Self.portion, batch.messages.count)
        for index in batch.next..<end { write(batch.messages[index], batch: batch.id, index: index) }
        batch.next = end
        if end < batch.messages.count { waiting.prepend(batch) }
        handler.flush()
    }

    private func write(_ message: OutgoingMessage, batch: UInt64, index: Int) {
        let key = message.mandatory ? ConfirmTracker.ReturnKey(message) : nil
        var message = message
        if let number = key.flatMap(tracker.number) {
            message.headers[ConfirmTracker.numberHeader] = .int(Int64(clamping: number))
        }
        do {
            try handler.write(message, channel: number)
            tracker.published(batch: batch, index: index, key: key)
        } catch {
            // It cannot be sent as it is, now or later, so it is refused like by the broker.
            if let done = tracker.settleUnsent(batch: batch, index: index, .nacked) { finish([done]) }
        }
    }

    private static func number(_ headers: [String: AMQPFieldValue]?) -> UInt64? {
        guard case .int(let number) = headers?[ConfirmTracker.numberHeader] else { return nil }
        return UInt64(exactly: number)
    }

    private func expire(_ batch: UInt64) {
        waiting.removeAll { $0.id == batch }
        if let done = tracker.expire(batch: batch) { finish([done]) }
    }

    private func finish(_ finished: [ConfirmTracker.Finished]) {
        for batch in finished {
            guard let waiter = waiters.removeValue(forKey: batch.batch) else { continue }
            waiter.timer.cancel()
            waiter.continuation.resume(returning: batch.outcomes)
        }
        guard waiters.isEmpty, !idleSignals.isEmpty else { return }
        for signal in idleSignals { signal.complete(.success(())) }
        idleSignals = []
    }
}

extension ConfirmTracker.ReturnKey {
    init(_ message: OutgoingMessage) {
        self.init(exchange: message.exchange, routingKey: message.routingKey, messageID: message.messageID)
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
