import Foundation

/// One program that is kept running: started, restarted when it dies, stopped with a limit.
///
/// While it starts for the first time, an end with a status ends everything; later it is only restarted.
actor SupervisedProcess {
    nonisolated let name: String
    private let pidFile: String
    private let makeSpec: @Sendable () throws -> ProcessSpec
    private let report: @Sendable (String) -> Void
    private let notifySocket: NotifySocket?
    private var child: ChildProcess?
    private var watcher: Task<Void, Never>?
    private var backoff = RestartBackoff()
    private var isStarting = true
    private var isStopping = false
    private var isReady = false
    private var statusText = ""

    /// - Parameters:
    ///   - runDirectory: where `<name>.pid` is kept current.
    ///   - notifySocket: where it says that it is ready; nil for a program that does not.
    ///   - report: told, in one line, when it died and when it is restarted.
    init(
        name: String,
        runDirectory: String,
        notifySocket: NotifySocket?,
        report: @escaping @Sendable (String) -> Void,
        makeSpec: @escaping @Sendable () throws -> ProcessSpec
    ) {
        self.name = name
        pidFile = "\(runDirectory)/\(name).pid"
        self.notifySocket = notifySocket
        self.report = report
        self.makeSpec = makeSpec
    }

    var pid: pid_t? { child?.exitStatus == nil ? child?.pid : nil }

    /// Starts it and keeps it running from now on.
    func start() throws {
        guard !isStopping, child == nil else { return }
        try spawn()
        watcher = Task { await keepRunning() }
    }

    /// From now on an end of any kind is a reason to restart it.
    func startupIsOver() { isStarting = false }

    /// Waits until it says READY=1, or `isUp` says so; throws its last line when it ends instead.
    func waitUntilReady(
        limit: Duration,
        isUp: (@Sendable () async -> Bool)? = nil,
        stillWaiting: @Sendable (String) -> Void
    ) async throws {
        let started = ContinuousClock.now
        var nextNote = started + .seconds(5)
        while true {
            try Task.checkCancellation()
            try checkStartup()
            if try await seemsReady(isUp) { return }
            let now = ContinuousClock.now
            if now - started > limit {
                throw ToolError.failed(
                    "\(name) is not ready after \(limit.components.seconds) seconds; see \(child?.spec.log ?? "its log")"
                )
            }
            if now > nextNote {
                nextNote = now + .seconds(5)
                stillWaiting(statusText.isEmpty ? "waiting for \(name)" : "waiting for \(name): \(statusText)")
            }
            try await Task.sleep(for: .milliseconds(30))
        }
    }

    private func seemsReady(_ isUp: (@Sendable () async -> Bool)?) async throws -> Bool {
        if let isUp { return await isUp() }
        readNotifications()
        return isReady
    }

    private func readNotifications() {
        for (name, value) in notifySocket?.drain() ?? [] {
            if name == "READY", value == "1" { isReady = true }
            if name == "STATUS" { statusText = value }
        }
    }

    /// How it ended on its own while it was starting, as the error that ends everything.
    private func checkStartup() throws {
        guard isStarting, !isStopping, let child, case .exited(let status) = child.exitStatus else { return }
        let line = LogTail.lastMessage(of: child.spec.log) ?? "it ended with status \(status)"
        throw ToolError(status: status == 78 ? 78 : 1, line.hasPrefix("\(name):") ? line : "\(name): \(line)")
    }

    private func spawn() throws {
        let child = try ChildProcess.start(try makeSpec())
        self.child = child
        isReady = false
        try? Data("\(child.pid)\n".utf8).write(to: URL(fileURLWithPath: pidFile), options: .atomic)
    }

    private func keepRunning() async {
        let drain = Task { await drainNotifications() }
        defer { drain.cancel() }
        while let child {
            let status = await child.waitForExit()
            if isStopping { return }
            if isStarting, case .exited = status { return }
            let wait = backoff.delay(afterLifetime: ContinuousClock.now - child.startedAt)
            let note = wait == .zero ? "restarting it" : "restarting it in \(wait.components.seconds) s"
            report("\(name) (process \(child.pid)) died with \(status): \(note)")
            try? await Task.sleep(for: wait)
            if isStopping { return }
            do {
                try spawn()
            } catch {
                report("\(name) cannot be started: \(error)")
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// A socket that nobody reads fills up, and the daemon that feeds its watchdog would wait.
    private func drainNotifications() async {
        while !Task.isCancelled {
            readNotifications()
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    // MARK: - Stopping

    /// Asks it to end; it is not restarted any more.
    func requestStop(_ signal: Int32 = SIGTERM) {
        isStopping = true
        watcher?.cancel()
        child?.signal(signal)
    }

    /// Waits for its end until `deadline`, or until `isHastened` says so, then kills it and its group.
    ///
    /// Never called from a cancelled task.
    func finishStop(deadline: ContinuousClock.Instant, isHastened: @Sendable () -> Bool) async {
        isStopping = true
        guard let child else { return }
        while child.exitStatus == nil, ContinuousClock.now < deadline, !isHastened() {
            try? await Task.sleep(for: .milliseconds(20))
        }
        if child.exitStatus == nil {
            child.signalGroup(SIGKILL)
            _ = await child.waitForExit()
        }
        unlink(pidFile)
    }
}
