import AMQP
package import Contracts
package import EventLog
import FaultInjection
package import Logging
import Service

/// The shell around ``WorkerCore``: owns the journal's writer, carries out what the turns decide, and passes on what
/// broker and provider bring.
package final class Worker: Sendable {
    package let journal: ID
    /// As the journal was found: see ``Journal/position``.
    package let journalPosition: Int64
    package let writer: LogWriter<WorkerInput>
    package let status: StatusSource
    private let core: Locked<WorkerCore>

    /// Reports of live calls must never be refused by a full queue, so it holds several for every channel that there
    /// can be; deliveries are bounded by the prefetch.
    private static let queueLimit = 2_000_000

    /// - Parameters:
    ///   - onAccepted: called when the journal is accepted, and that is durable.
    ///   - onRefused: called when campaign-manager does not accept this journal; the daemon has to end.
    package init(
        journal: Journal,
        core: WorkerCore,
        provider: any CallProvider,
        errands: ErrandRunner,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp,
        onAccepted: @escaping @Sendable () -> Void,
        onRefused: @escaping @Sendable (String) -> Void
    ) {
        let core = Locked(core)
        let status = StatusSource()
        let feed = Feed()
        self.core = core
        self.journal = journal.id
        journalPosition = journal.position
        self.status = status
        writer = LogWriter(log: journal.log, clock: clock, queueLimit: Worker.queueLimit) { turn, inputs in
            let effects = try core.withLock { try $0.turn(turn, inputs) }
            turn.afterCommit {
                IncomingMessage.acknowledge(effects.acknowledge)
                Worker.place(effects.place, provider, feed, now: clock())
                if !effects.orders.isEmpty { provider.perform(effects.orders) }
                errands.begin(effects.errands)
                if !effects.cancel.isEmpty { provider.cancel(effects.cancel) }
                if !effects.hangUp.isEmpty { provider.hangUp(effects.hangUp, by: .system) }
                if !effects.hangUpForUs.isEmpty { provider.hangUp(effects.hangUpForUs, by: .local) }
                if effects.statusChanged { status.changed() }
                for kind in effects.unexpected { logger.warning("ignored an item that is not for a worker: \(kind)") }
                if effects.isAccepted { onAccepted() }
                if let reason = effects.journalRefused { onRefused(reason) }
            }
        }
        let writer = writer
        feed.connect { [weak writer] in writer?.submit($0) ?? false }
        errands.connect { feed.submit($0) }
        provider.report { feed.submit($0.map(WorkerInput.report)) }
    }

    /// Queues inputs; false when the queue is full or the worker ends.
    package func submit(_ inputs: [WorkerInput]) -> Bool { writer.submit(inputs) }

    package var channels: Int { core.withLock { $0.channels } }
    package var free: Int { core.withLock { $0.free } }
    package var liveCount: Int { core.withLock { $0.liveCount } }
    package var isLeaving: Bool { core.withLock { $0.isLeaving } }

    /// The last look at `start_by` before the provider is asked: the commit may have taken its time.
    private static func place(
        _ commands: [DialCommand],
        _ provider: any CallProvider,
        _ feed: Feed,
        now: Timestamp
    ) {
        guard !commands.isEmpty else { return }
        let late = commands.filter { now > $0.startBy }
        if !late.isEmpty { feed.submit(late.map { .tooLate($0.attempt) }) }
        start(late.isEmpty ? commands : commands.filter { now <= $0.startBy }, provider, feed)
    }

    /// Places calls; what is no call begins at once, as if it were answered.
    private static func start(_ commands: [DialCommand], _ provider: any CallProvider, _ feed: Feed) {
        let calls = commands.filter { $0.kind == .call }
        for _ in calls { CrashPoint.beforePlace.pass("call") }
        if !calls.isEmpty { provider.place(calls) }
        for _ in calls { CrashPoint.afterPlace.pass("call") }
        guard calls.count < commands.count else { return }
        feed.submit(
            commands.filter { $0.kind != .call }.map { .report(CallReport(attempt: $0.attempt, what: .answered)) }
        )
    }
}

/// Where effects of a turn put inputs of later ones. It exists because the writer's turn is made before the writer.
private final class Feed: Sendable {
    private let sink = Locked<(@Sendable ([WorkerInput]) -> Bool)?>(nil)

    func connect(_ submit: @escaping @Sendable ([WorkerInput]) -> Bool) { sink.withLock { $0 = submit } }

    /// What is refused here comes while the writer stops: the next process finds the attempt open and says so.
    func submit(_ inputs: [WorkerInput]) { _ = sink.withLock { $0 }?(inputs) }
}
