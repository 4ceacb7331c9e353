import Contracts
import DialerWorker
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
    /// Numbers of people who have said that they want no calls, once outdial-manager knows.
    var optedOut: Set<String> = []
    /// Calls that flows placed for themselves, with their workers.
    private(set) var legs: [ID: Int] = [:]
    private(set) var legCount = 0
    var problems: [String] = []

    init(isStrict: Bool) { self.isStrict = isStrict }

    mutating func place(_ command: DialCommand, by worker: Int, channels: Int, at now: Timestamp) {
        let call = Placed(command: command, worker: worker, at: now)
        if placed.updateValue(call, forKey: command.attempt) != nil {
            problems.append("attempt \(command.attempt) was placed twice")
        }
        if now > command.startBy { problems.append("attempt \(command.attempt) was placed after its start_by") }
        let number = command.destination.target
        checkLive(number)
        // Another engine has no list to ask: its numbers were looked up when they were leased.
        if worker != Engine.index { check(number) }
        live[command.attempt] = call
        checkChannels(of: worker, channels)
    }

    /// A call that a flow places; one that is joined with a caller needs no channel of its own.
    mutating func place(_ leg: CallLeg, by worker: Int, channels: Int, isJoined: Bool) {
        legCount += 1
        check(leg.command.destination.target)
        checkLive(leg.command.destination.target)
        guard !isJoined else { return }
        if legs.updateValue(worker, forKey: leg.command.attempt) != nil {
            problems.append("leg \(leg.command.attempt) was placed twice")
        }
        checkChannels(of: worker, channels)
    }

    /// A message, or a flow without a call.
    mutating func begin(_ command: DialCommand, by worker: Int, at now: Timestamp) {
        if placed.updateValue(Placed(command: command, worker: worker, at: now), forKey: command.attempt) != nil {
            problems.append("attempt \(command.attempt) was begun twice")
        }
        check(command.destination.target)
    }

    private mutating func check(_ number: String) {
        if forbidden.contains(number) { problems.append("\(number) is on a do-not-call list and was called") }
        if optedOut.contains(number) { problems.append("\(number) has opted out and was called") }
    }

    private mutating func checkLive(_ number: String) {
        guard isStrict, live.values.contains(where: { $0.command.destination.target == number }) else { return }
        problems.append("\(number) has a live call, and was called again")
    }

    private mutating func checkChannels(of worker: Int, _ channels: Int) {
        let busy = live.values.count { $0.worker == worker } + legs.values.count { $0 == worker }
        if busy > channels { problems.append("worker \(worker) has \(busy) calls on \(channels) channels") }
    }

    mutating func talk(_ leg: ID) { talks.insert(leg) }

    mutating func end(_ attempt: ID) {
        live[attempt] = nil
        legs[attempt] = nil
    }

    /// The worker is gone, and its calls with it.
    mutating func lose(worker: Int) {
        live = live.filter { $0.value.worker != worker }
        legs = legs.filter { $0.value != worker }
    }
}
