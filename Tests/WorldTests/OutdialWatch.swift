import Contracts
import EventLog
import OutdialDomain

/// Reads outdial-manager's events as they are published: nobody is leased when it is no time to call, whom nobody may
/// call, or whose number has a call already.
struct OutdialWatch {
    private var position: Int64 = 0
    private var plans: [ID: DialPlan] = [:]
    private var targets = Follower<Target>()
    private var listed = Follower<DNCNumber>()
    /// The targets of open leases by the number that is called.
    private var called: [String: ID] = [:]
    private(set) var problems: [String] = []
    /// Leases under a plan with windows.
    private(set) var judged = 0
    /// The windows under which attempts were leased, where there are some.
    private var windows: [ID: CallingHours] = [:]
    /// What each list was called under, from when on.
    private var history: [ID: [(from: Timestamp, hours: CallingHours)]] = [:]

    mutating func see(_ event: RecordedEvent) throws {
        guard event.position > position, let data = event.data else { return }
        position = event.position
        let json = try JSONValue(parsing: data)
        if let target = try targets.see(event, json) {
            follow(target.id, target.before, target.after, at: event.recordedAt)
        } else if try listed.see(event, json) == nil, event.stream.hasPrefix("outdial-") {
            switch try OutdialEvent(type: event.type, schema: event.schema, json: json) {
            case .claimed(_, _, let plan), .planChanged(let plan):
                guard let id = ID(event.stream.dropFirst("outdial-".count)) else { return }
                plans[id] = plan
                history[id, default: []].append((event.recordedAt, plan.hours))
            default: return
            }
        }
    }

    func isListed(_ number: String) -> Bool {
        listed.states.values.contains { $0.number == number && $0.deletedAt == nil }
    }

    private func number(of target: Target) -> String? {
        target.lease.flatMap { target.destinations[$0.destinationIndex]?.target }
    }

    private mutating func follow(_ id: ID, _ before: Target?, _ after: Target?, at time: Timestamp) {
        guard before?.lease?.attempt != after?.lease?.attempt else { return }
        called = called.filter { $0.value != id }
        guard let after, let number = number(of: after) else { return }
        if let other = called.updateValue(id, forKey: number) {
            problems.append("target \(id) was leased while \(other), with the same number, had a call")
        }
        if isListed(number) {
            problems.append("target \(id) was leased with a number that is on a do-not-call list")
        }
        guard let hours = plans[after.outdial]?.hours, !hours.windows.isEmpty else { return }
        judged += 1
        if let attempt = after.lease?.attempt { windows[attempt] = hours }
        guard !isOpen(hours, at: time) else { return }
        problems.append("target \(id) was leased outside its window at \(time.microseconds)")
    }

    /// Everybody of a world lives in UTC.
    private func isOpen(_ hours: CallingHours, at time: Timestamp) -> Bool {
        let second = time.microseconds / 1_000_000
        let day = second / 86_400
        // 1970-01-01 was a Thursday.
        let weekday = Int((day + 4) % 7)
        return hours.windows.contains { $0.contains(weekday: weekday, second: Int(second % 86_400)) }
    }

    /// Calls that rang when their windows were over.
    func late(_ placed: [ID: Carrier.Placed]) -> [String] {
        placed.compactMap { attempt, call in
            guard let hours = windows[attempt], !isOpen(hours, at: call.at) else { return nil }
            // Those that were opened meanwhile count, too.
            let latest = history[call.command.outdial]?.last { $0.from <= call.at }?.hours
            if let latest, latest.windows.isEmpty || isOpen(latest, at: call.at) { return nil }
            return "attempt \(attempt) rang outside its window at \(call.at.microseconds)"
        }
    }
}
