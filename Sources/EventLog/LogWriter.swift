package import Contracts
import Glibc

/// The owner of a log's writing: one thread that turns whatever waits into one transaction after the other.
///
/// There is no artificial wait: while one COMMIT syncs, the next inputs gather, so the busier it is, the more inputs one
/// sync serves. A turn that throws, or a COMMIT that fails, ends the writer through `onFailure` and is never retried.
package final class LogWriter<Input: Sendable>: Sendable {
    private let log: EventLogFile
    private let clock: @Sendable () -> Timestamp
    private let batchLimit: Int
    private let queueLimit: Int
    private let lowSpace: UInt64
    private let turn: @Sendable (Turn, [Input]) throws -> Void
    private let onFailure: @Sendable (any Error) -> Void
    private let monitor: Monitor<WriterState<Input>>

    /// - Parameters:
    ///   - log: opened by the caller; the writer closes it.
    ///   - batchLimit: the most inputs of one turn.
    ///   - queueLimit: the most inputs that may wait; ``submit(_:)`` refuses more.
    ///   - lowSpace: free bytes of the disk, beside what the next checkpoint needs, below which ``isSpaceLow`` is true.
    ///   - turn: decides and appends. Called on the writer's thread, also without inputs when timers are due.
    ///   - onFailure: called once, on the writer's thread. The default writes to stderr and ends the process.
    package init(
        log: EventLogFile,
        clock: @escaping @Sendable () -> Timestamp = { WallClock.now() },
        batchLimit: Int = 512,
        queueLimit: Int = 50_000,
        lowSpace: UInt64 = 64 << 20,
        turn: @escaping @Sendable (Turn, [Input]) throws -> Void,
        onFailure: @escaping @Sendable (any Error) -> Void = endProcess
    ) {
        self.log = log
        self.clock = clock
        self.batchLimit = batchLimit
        self.queueLimit = queueLimit
        self.lowSpace = lowSpace
        self.turn = turn
        self.onFailure = onFailure
        monitor = Monitor(WriterState(head: log.head))
    }

    /// Queues `inputs`, all or none; never blocks. False when the queue is full or the writer stops.
    package func submit(_ inputs: [Input]) -> Bool {
        let accepted = monitor.withLock { state in
            guard state.phase.takesInputs, state.inputs.count + inputs.count <= queueLimit else { return false }
            state.inputs.append(contentsOf: inputs)
            return true
        }
        if accepted { monitor.signal() }
        return accepted
    }

    /// How many inputs wait.
    package var queued: Int { monitor.withLock { $0.inputs.count } }

    /// The last committed position.
    package var head: Int64 { monitor.withLock { $0.head } }

    /// The disk is nearly full; checked about once a second.
    ///
    /// The writer still takes everything: its callers refuse new work, so that what is left is for ending what runs.
    package var isSpaceLow: Bool { monitor.withLock { $0.isSpaceLow } }

    /// How many COMMITs there were, each one sync of the disk; renewed about once a second, like the two below.
    package var commits: Int64 { monitor.withLock { $0.commits } }

    /// How often the WAL was copied into the file, each time two syncs.
    package var checkpoints: Int64 { monitor.withLock { $0.checkpoints } }

    /// What the WAL holds and the file may not have yet: far above 16 MiB only while a reader holds an old moment.
    package var pendingBytes: Int64 { monitor.withLock { $0.pendingBytes } }

    /// Remembers how far the reader `name` has come. Written with the next turn, or within a second when there is none.
    package func noteCursor(_ name: String, _ position: Int64) {
        monitor.withLock { $0.cursors[name] = position }
    }

    /// Has the writer look at its clock now; for clocks that are moved by hand.
    package func wake() {
        monitor.withLock { $0.isWoken = true }
        monitor.signal()
    }

    /// Starts the thread. Inputs may have been submitted before.
    package func start() {
        let isFirst = monitor.withLock { state in
            guard state.phase == .idle else { return false }
            state.phase = .running
            return true
        }
        if isFirst { startThread { self.run() } }
    }

    /// Takes no more inputs; the thread finishes those that wait, writes the cursors, checkpoints and closes the log.
    package func stop() {
        let wasIdle = monitor.withLock { state in
            defer { if state.phase.takesInputs { state.phase = .stopping } }
            return state.phase == .idle
        }
        if wasIdle { startThread { self.run() } }
        monitor.signal()
    }
}

// MARK: - Waiting

extension LogWriter {
    /// Returns once the log is closed.
    package func stopped() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isOver = monitor.withLock { state in
                if state.phase == .stopped { return true }
                state.stopWaiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Waits until the head is beyond `position` and returns it. Returns the head as it is when the writer stops or the
    /// task is cancelled.
    package func position(after position: Int64) async -> Int64 {
        let key = monitor.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let head: Int64? = monitor.withLock { state in
                    if state.head > position || state.phase == .stopped || Task.isCancelled { return state.head }
                    state.headWaiters[key] = HeadWaiter(after: position, continuation: continuation)
                    return nil
                }
                if let head { continuation.resume(returning: head) }
            }
        } onCancel: {
            let (waiter, head) = monitor.withLock { ($0.headWaiters.removeValue(forKey: key), $0.head) }
            waiter?.continuation.resume(returning: head)
        }
    }

    private func announce(_ head: Int64) {
        let waiters = monitor.withLock { state in
            state.head = head
            return state.takeWaiters { $0.after < head }
        }
        for waiter in waiters { waiter.continuation.resume(returning: head) }
    }

    private func finish() {
        let (head, heads, stops) = monitor.withLock { state in
            state.phase = .stopped
            defer { state.stopWaiters = [] }
            return (state.head, state.takeWaiters { _ in true }, state.stopWaiters)
        }
        for waiter in heads { waiter.continuation.resume(returning: head) }
        for waiter in stops { waiter.resume() }
    }
}

// MARK: - The thread

extension LogWriter {
    private func run() {
        do {
            try loop()
            try log.close()
        } catch {
            monitor.withLock { $0.phase = .failed }
            onFailure(error)
            // The file may not take another write; whatever is committed is safe.
            try? log.abandon()
        }
        finish()
    }

    private func loop() throws {
        var ids = IDGenerator()
        var now = clock()
        var pruner = InboxPruner(startedAt: now)
        var lastHousekeeping = WriterClock.seconds
        try checkSpace()
        while true {
            let nextDue = log.nextDue
            let work = next(dueIn: nextDue.map { $0.microseconds - clock().microseconds })
            // Time does not go back in a log, whatever the system's clock does.
            now = max(now, clock())
            let isDue = nextDue.map { $0 <= now } ?? false
            let second = WriterClock.seconds
            let isHousekeeping = second != lastHousekeeping
            let isPruning = isHousekeeping && pruner.isDue(now)
            if !work.inputs.isEmpty || isDue || isPruning || isHousekeeping && hasCursors {
                try performTurn(work.inputs, now: now, ids: &ids, pruner: &pruner, isPruning: isPruning)
            } else if isHousekeeping {
                try log.maintain(isIdle: true)
            }
            if isHousekeeping {
                try checkSpace()
                lastHousekeeping = second
            }
            if work.isLast {
                // Notes that the effects of the last turn made.
                if hasCursors { try performTurn([], now: now, ids: &ids, pruner: &pruner) }
                return
            }
        }
    }

    /// Waits for inputs, a due timer or the next second, and takes what there is.
    private func next(dueIn delay: Int64?) -> WriterWork<Input> {
        let limit = min(max(0, delay ?? 1_000_000), 1_000_000)
        return monitor.wait(
            upTo: limit,
            until: { $0.isWoken || !$0.inputs.isEmpty || $0.phase == .stopping },
            then: { state in
                state.isWoken = false
                let inputs = state.inputs.take(batchLimit)
                return WriterWork(inputs: inputs, isLast: state.phase == .stopping && state.inputs.isEmpty)
            }
        )
    }

    private var hasCursors: Bool { monitor.withLock { !$0.cursors.isEmpty } }

    private func performTurn(
        _ inputs: [Input],
        now: Timestamp,
        ids: inout IDGenerator,
        pruner: inout InboxPruner,
        isPruning: Bool = false
    ) throws {
        let cursors = monitor.withLock { state in
            defer { state.cursors = [:] }
            return state.cursors
        }
        try log.perform(now: now, ids: &ids, dueUpTo: now, cursors: cursors) { turn in
            if !inputs.isEmpty || !turn.dueTimers.isEmpty { try self.turn(turn, inputs) }
            if isPruning { try turn.pruneInbox(&pruner) }
            // First: an effect that answers a caller implies that the head it answers about is visible.
            let head = turn.head
            turn.beforeEffects { self.announce(head) }
        }
    }

    private func checkSpace() throws {
        var isLow = isBelowMark()
        if isLow == true {
            // The room that the WAL takes comes back, so that what is left is for events.
            try log.cutWAL()
            isLow = isBelowMark()
        }
        let (commits, checkpoints, pending) = (log.commits, log.checkpointCount, log.pendingBytes)
        monitor.withLock { state in
            state.commits = commits
            state.checkpoints = checkpoints
            state.pendingBytes = pending
            if let isLow { state.isSpaceLow = isLow }
        }
    }

    /// Nil when the file system cannot be asked. What the WAL holds will want room in the file too.
    private func isBelowMark() -> Bool? {
        freeSpace(besides: log.path).map { $0 < lowSpace + UInt64(log.pendingBytes) }
    }
}

/// Writes the error to stderr and ends the process without running anything more.
package func endProcess(_ error: any Error) {
    let line = Array("event log: \(error); the process ends, start it again once the cause is removed\n".utf8)
    write(STDERR_FILENO, line, line.count)
    _exit(70)
}

/// The bytes that an ordinary user can still write to the file system of `path`; nil when it cannot be asked.
private func freeSpace(besides path: String) -> UInt64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize)
}

private enum WriterClock {
    /// Whole seconds of the monotonic clock.
    static var seconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
    }
}
