import Contracts
import Testing

/// What really happened to people, whatever the logs say: the ledger, and the calls that are up.
struct Carrier {
    struct Placed {
        var command: DialCommand
        var worker: Int
        var at: Timestamp
    }

    private(set) var placed: [ID: Placed] = [:]
    private(set) var live: [ID: Placed] = [:]
    /// Calls to agents that they answered.
    private(set) var talks: Set<ID> = []
    /// Whether a number may be called by one worker while another, whom nobody can ask, may still have it on the line.
    let isStrict: Bool
    /// Numbers that are on a do-not-call list just now.
    var forbidden: Set<String> = []
    var problems: [String] = []

    init(isStrict: Bool) { self.isStrict = isStrict }

    mutating func place(_ command: DialCommand, by worker: Int, channels: Int, at now: Timestamp) {
        let call = Placed(command: command, worker: worker, at: now)
        if placed.updateValue(call, forKey: command.attempt) != nil {
            problems.append("attempt \(command.attempt) was placed twice")
        }
        if now > command.startBy { problems.append("attempt \(command.attempt) was placed after its start_by") }
        let number = command.destination.target
        if isStrict, live.values.contains(where: { $0.command.destination.target == number }) {
            problems.append("\(number) has two live calls at \(now.microseconds)")
        }
        if forbidden.contains(number) { problems.append("\(number) is on a do-not-call list and was called") }
        live[command.attempt] = call
        let busy = live.values.count { $0.worker == worker }
        if busy > channels { problems.append("worker \(worker) has \(busy) calls on \(channels) channels") }
    }

    mutating func talk(_ leg: ID) { talks.insert(leg) }

    mutating func end(_ attempt: ID) { live[attempt] = nil }

    /// The worker is gone, and its calls with it.
    mutating func lose(worker: Int) { live = live.filter { $0.value.worker != worker } }
}
