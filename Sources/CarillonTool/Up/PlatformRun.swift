import Foundation

/// Runs a platform for as long as some work on it lasts, and stops it whatever happens.
enum PlatformRun {
    /// Starts everything, gives the report to `body`, and stops everything when that ends or a signal comes.
    ///
    /// A first SIGINT, SIGTERM or SIGHUP ends it without an error; a second one hastens the stop.
    static func run(
        _ settings: PlatformSettings,
        note: @escaping @Sendable (String) -> Void,
        verbose: Bool = false,
        body: @escaping @Sendable (PlatformReport) async throws -> Void
    ) async throws {
        let signals = StopSignals()
        BrokerProcesses.adoptOrphans()
        let reaper = Task { await BrokerProcesses.reapOrphansWhileRunning() }
        defer { reaper.cancel() }
        let platform = try Platform(settings, report: note)
        let work = Task { try await body(try await platform.start()) }
        let state = StopState()
        let listener = Task {
            for await _ in signals.stream {
                state.countSignal()
                work.cancel()
                // At once, not only when the work has noticed: it may be waiting for a daemon's answer.
                if state.signals == 1 { Task { await platform.stop(isHastened: { state.signals > 1 }) } }
            }
        }
        let follower = verbose ? Task { await follow(platform.logFiles) } : nil
        let result = await work.result
        // In a task of its own: it must not be cut short by a cancellation of this one.
        await Task { await platform.stop(isHastened: { state.signals > 1 }) }.value
        await BrokerProcesses.reapOrphans()
        follower?.cancel()
        listener.cancel()
        if state.signals == 0 { try result.get() }
    }

    private static func follow(_ files: [(name: String, path: String)]) async {
        var follower = LogFollower()
        while !Task.isCancelled {
            follower.copyNew(of: files)
            try? await Task.sleep(for: .milliseconds(100))
        }
        follower.copyNew(of: files)
    }
}

/// How often the operator asked to stop.
private final class StopState: @unchecked Sendable {
    // Safe to share: `count` is read and written with `lock` held.
    private let lock = NSLock()
    private var count = 0
    private var lastAt: ContinuousClock.Instant?

    var signals: Int { lock.withLock { count } }

    /// One request may arrive as several signals, to the process and to its group: those at once count as one.
    func countSignal() {
        lock.withLock {
            let now = ContinuousClock.now
            if let lastAt, now - lastAt < .milliseconds(300) { return }
            lastAt = now
            count += 1
        }
    }
}
