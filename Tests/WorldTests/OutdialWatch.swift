import Contracts
import EventLog
import OutdialDomain

/// Reads outdial-manager's events as they are published: nobody is leased when it is no time to call.
struct OutdialWatch {
    private var position: Int64 = 0
    private var plans: [ID: DialPlan] = [:]
    private var outdials: [ID: ID] = [:]
    private(set) var problems: [String] = []
    /// Leases under a plan with windows.
    private(set) var judged = 0

    mutating func see(_ event: RecordedEvent) throws {
        guard event.position > position, let data = event.data else { return }
        position = event.position
        guard let dash = event.stream.firstIndex(of: "-"), let id = ID(event.stream[event.stream.index(after: dash)...])
        else { return }
        let json = try JSONValue(parsing: data)
        switch event.stream[..<dash] {
        case "outdial":
            switch try OutdialEvent(type: event.type, schema: event.schema, json: json) {
            case .claimed(_, _, let plan), .planChanged(let plan): plans[id] = plan
            default: return
            }
        case "target":
            switch try TargetEvent(type: event.type, schema: event.schema, json: json) {
            case .created(_, _, let outdial, _, _): outdials[id] = outdial
            case .leased: judge(id, at: event.recordedAt)
            default: return
            }
        default: return
        }
    }

    /// Everybody of a world lives in UTC.
    private mutating func judge(_ target: ID, at time: Timestamp) {
        guard let plan = outdials[target].flatMap({ plans[$0] }), !plan.hours.windows.isEmpty else { return }
        judged += 1
        let second = time.microseconds / 1_000_000
        let day = second / 86_400
        // 1970-01-01 was a Thursday.
        let weekday = Int((day + 4) % 7)
        guard !plan.hours.windows.contains(where: { $0.contains(weekday: weekday, second: Int(second % 86_400)) })
        else { return }
        problems.append("target \(target) was leased outside its window at \(time.microseconds)")
    }
}
