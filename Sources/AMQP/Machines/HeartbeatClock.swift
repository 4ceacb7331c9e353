import NIOCore

/// When to send a heartbeat and when to give the peer up. Times are monotonic.
struct HeartbeatClock: Sendable {
    enum Directive: Hashable, Sendable {
        case none, send, dead
    }

    /// The agreed interval.
    let interval: TimeAmount
    private var lastSent: NIODeadline
    private var lastReceived: NIODeadline

    init(interval: TimeAmount, now: NIODeadline) {
        self.interval = interval
        lastSent = now
        lastReceived = now
    }

    mutating func sent(at now: NIODeadline) { lastSent = now }
    mutating func received(at now: NIODeadline) { lastReceived = now }

    /// Half an interval without sending asks for a heartbeat; two intervals of silence mean that the peer is gone.
    func check(at now: NIODeadline) -> Directive {
        if now - lastReceived >= .nanoseconds(interval.nanoseconds * 2) { return .dead }
        return now - lastSent >= .nanoseconds(interval.nanoseconds / 2) ? .send : .none
    }

    /// How often to check so that neither limit is missed by much.
    var checkInterval: TimeAmount { .nanoseconds(max(interval.nanoseconds / 10, 1_000_000)) }
}
