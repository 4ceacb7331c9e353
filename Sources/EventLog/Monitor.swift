import Glibc

/// A value behind a lock that threads can wait on until it changes. Built on pthread, which ThreadSanitizer understands.
final class Monitor<State>: @unchecked Sendable {
    // Safe to share: `state` is only touched while `mutex` is held.
    private var state: State
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init(_ state: State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<T>(_ body: (inout State) throws -> T) rethrows -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Wakes the thread that waits.
    func signal() { pthread_cond_signal(condition) }

    /// Waits until `isReady` or for `microseconds` at most, then runs `body`, all under one holding of the lock.
    func wait<T>(upTo microseconds: Int64, until isReady: (State) -> Bool, then body: (inout State) -> T) -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if microseconds > 0, !isReady(state) {
            var deadline = timespec()
            clock_gettime(CLOCK_MONOTONIC, &deadline)
            let nanoseconds = Int64(deadline.tv_nsec) + microseconds % 1_000_000 * 1000
            deadline.tv_sec += Int(microseconds / 1_000_000 + nanoseconds / 1_000_000_000)
            deadline.tv_nsec = Int(nanoseconds % 1_000_000_000)
            while !isReady(state), pthread_cond_timedwait(condition, mutex, &deadline) == 0 {}
        }
        return body(&state)
    }
}

/// Starts a detached thread that runs `body`. It has its own stack and belongs to no pool, so it may block.
func startThread(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(ThreadBody(run: body))
    var thread: pthread_t = 0
    let code = pthread_create(
        &thread,
        nil,
        { context in
            Unmanaged<ThreadBody>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        },
        box.toOpaque()
    )
    precondition(code == 0, "no thread could be started (error \(code))")
    pthread_detach(thread)
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
}
