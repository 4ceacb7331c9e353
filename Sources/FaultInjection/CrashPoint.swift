import Glibc

/// A place where a process can be made to die as if by `kill -9`, so that tests can put it between any two steps.
///
/// Builds for debugging read `CARILLON_CRASH_AT=name:n` (the nth time that this process passes the point) once, and
/// `CARILLON_CRASH_ONCE=file`: the first process that gets there makes the file and dies, the others live on. A point's
/// name is the moment and what passes it: `before_commit.target_leased:2`. Release builds have no crash points at all.
package enum CrashPoint: String, Sendable {
    // A turn of the log, by each type of event that it appends.
    case beforeAppend = "before_append"
    case beforeCommit = "before_commit"
    case afterCommit = "after_commit"
    // A message, by the type of each event that implies it.
    case beforePublish = "before_publish"
    case afterPublish = "after_publish"
    case afterConfirm = "after_confirm"
    // A delivery, by the kind of each item in it, or the type of its call event.
    case onDelivery = "on_delivery"
    case beforeAcknowledge = "before_acknowledge"
    case afterAcknowledge = "after_acknowledge"
    // A request, by its method.
    case beforeReply = "before_reply"
    case afterReply = "after_reply"
    // A call that is handed to the provider.
    case beforePlace = "before_place"
    case afterPlace = "after_place"

    /// Whether this process was told to die at this moment; false costs next to nothing.
    package var isArmed: Bool {
        #if FAULT_INJECTION
        return Plan.current?.moment == self
        #else
        return false
        #endif
    }

    /// Whether this process was told to die anywhere; what only crash points need is kept then.
    package static var isAnyArmed: Bool {
        #if FAULT_INJECTION
        return Plan.current != nil
        #else
        return false
        #endif
    }

    /// Ends the process when this is the nth time that `what` passes.
    package func pass(_ what: @autoclosure () -> String) {
        guard isArmed else { return }
        #if FAULT_INJECTION
        Plan.current?.pass(what())
        #endif
    }
}

#if FAULT_INJECTION
/// What `CARILLON_CRASH_AT` asks for.
private final class Plan: Sendable {
    static let current = Plan(environment: "CARILLON_CRASH_AT")

    let moment: CrashPoint
    private let what: String
    private let count: Int
    private let passes = Counter()

    private init?(environment name: String) {
        guard let text = getenv(name).map({ String(cString: $0) }) else { return nil }
        let parts = text.split(separator: ":")
        let name = (parts.first ?? "").split(separator: ".", maxSplits: 1)
        guard name.count == 2, let moment = CrashPoint(rawValue: String(name[0])),
            let count = parts.count == 1 ? 1 : Int(parts[1]), parts.count <= 2, count > 0
        else { fatalError("CARILLON_CRASH_AT=\(text): write moment.what:n, as before_commit.target_leased:1") }
        self.moment = moment
        what = String(name[1])
        self.count = count
    }

    func pass(_ passing: String) {
        guard passing == what, passes.next() == count, isFirst else { return }
        kill(getpid(), SIGKILL)
        // The signal may take a moment to reach this thread.
        while true { pause() }
    }

    /// Whether no other process died here before: the mark of the first one stays.
    private var isFirst: Bool {
        guard let path = getenv("CARILLON_CRASH_ONCE") else { return true }
        let file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        close(file)
        return true
    }
}

private final class Counter: @unchecked Sendable {
    // Safe to share: `value` is only touched with `mutex` held.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value = 0

    init() { pthread_mutex_init(mutex, nil) }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func next() -> Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        value += 1
        return value
    }
}
#endif
