import Foundation

/// A running program that dies with this process.
///
/// One thread starts it, waits for its end and reaps it: the kernel counts the thread that made a child as its parent,
/// so that thread has to live as long as the child.
final class ChildProcess: @unchecked Sendable {
    // Safe to share: everything that changes is read and written with `lock` held.
    let pid: pid_t
    let spec: ProcessSpec
    let startedAt = ContinuousClock.now
    private let lock = NSLock()
    private var status: ExitStatus?
    private var waiters: [CheckedContinuation<ExitStatus, Never>] = []

    /// Starts the program; throws one line when that cannot be done.
    static func start(_ spec: ProcessSpec) throws -> ChildProcess {
        let started = DispatchSemaphore(value: 0)
        let result = SpawnResult()
        let thread = Thread {
            switch Spawn.start(spec) {
            case .failure(let error):
                result.value = .failure(error)
                started.signal()
            case .success(let pid):
                let child = ChildProcess(pid: pid, spec: spec)
                result.value = .success(child)
                started.signal()
                child.waitAndReap()
            }
        }
        thread.stackSize = 256 << 10
        thread.start()
        started.wait()
        return try result.value.get()
    }

    private init(pid: pid_t, spec: ProcessSpec) {
        self.pid = pid
        self.spec = spec
    }

    /// How it ended; nil while it runs.
    var exitStatus: ExitStatus? { lock.withLock { status } }

    /// Waits until it has ended.
    func waitForExit() async -> ExitStatus {
        await withCheckedContinuation { continuation in
            let ended: ExitStatus? = lock.withLock {
                if status == nil { waiters.append(continuation) }
                return status
            }
            if let ended { continuation.resume(returning: ended) }
        }
    }

    /// Sends a signal to it alone; nothing happens once it has ended.
    func signal(_ number: Int32) {
        lock.withLock {
            if status == nil { kill(pid, number) }
        }
    }

    /// Sends a signal to it and all that share its process group.
    func signalGroup(_ number: Int32) {
        lock.withLock {
            guard status == nil else { return }
            // Before the child's setsid the group does not exist yet.
            if kill(-pid, number) != 0 { kill(pid, number) }
        }
    }

    private func waitAndReap() {
        var info = siginfo_t()
        // Seen but not reaped, so that its id still means this group and no other.
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let resumed: ([CheckedContinuation<ExitStatus, Never>], ExitStatus) = lock.withLock {
            kill(-pid, SIGKILL)
            var code: Int32 = 0
            while waitpid(pid, &code, 0) < 0, errno == EINTR {}
            let signal = code & 0x7F
            let ended: ExitStatus = signal == 0 ? .exited((code >> 8) & 0xFF) : .killed(signal: signal)
            status = ended
            defer { waiters = [] }
            return (waiters, ended)
        }
        for waiter in resumed.0 { waiter.resume(returning: resumed.1) }
    }
}

/// Carries a child from the thread that started it; the semaphore orders the write before the read.
private final class SpawnResult: @unchecked Sendable {
    var value: Result<ChildProcess, ToolError> = .failure(.failed("not started"))
}
