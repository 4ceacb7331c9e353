/// How a daemon stops: what each event leads to. It holds the decisions; ``StopSignals`` performs them.
///
/// Transitions: building -> running -> stopping.
struct StopSequence: Sendable {
    enum Cause: Sendable, Hashable {
        /// SIGTERM or SIGINT.
        case signal
        /// The process that started us is gone.
        case parentGone
        /// A service ended or failed.
        case failure
    }

    enum Directive: Sendable, Hashable {
        case nothing
        /// Nothing has begun that would have to end in order.
        case exit(status: Int32)
        case stop
        /// Now, whatever is under way.
        case abort(line: String)
    }

    private enum Phase { case building, running, stopping }

    /// From the first signal to the end by force: below the 10 s after which a supervisor kills.
    static let limit = Duration.milliseconds(9500)

    private var phase = Phase.building
    private var signals = 0
    private(set) var deadline: ContinuousClock.Instant?

    var isStopping: Bool { phase == .stopping }

    mutating func built() {
        if phase == .building { phase = .running }
    }

    mutating func asked(by cause: Cause, at now: ContinuousClock.Instant) -> Directive {
        if cause == .signal { signals += 1 }
        switch phase {
        case .building: return cause == .failure ? .nothing : .exit(status: 0)
        case .running:
            phase = .stopping
            deadline = now + StopSequence.limit
            return .stop
        case .stopping:
            return cause == .signal && signals > 1 ? .abort(line: "stopped at once by a second signal") : .nothing
        }
    }

    /// What the time leads to.
    func elapsed(at now: ContinuousClock.Instant) -> Directive {
        guard let deadline, now >= deadline else { return .nothing }
        return .abort(line: "the stop took too long and was cut short")
    }
}
