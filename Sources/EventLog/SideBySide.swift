import Glibc

/// Work of several parts on a few threads.
enum SideBySide {
    /// Runs `body` for 0, 1, 2 … `count` - 1 in about that order, on this thread and others, and returns when all is done.
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let threads = min(count, 4, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let monitor = Monitor((next: 0, done: 0))
        let work: @Sendable () -> Void = {
            while true {
                let part = monitor.withLock { state in
                    defer { state.next += 1 }
                    return state.next
                }
                guard part < count else { return }
                body(part)
                monitor.withLock { $0.done += 1 }
                monitor.signal()
            }
        }
        for _ in 1..<max(1, threads) { startThread(work) }
        work()
        while monitor.wait(upTo: 1_000_000, until: { $0.done == count }, then: { $0.done }) < count {}
    }
}
