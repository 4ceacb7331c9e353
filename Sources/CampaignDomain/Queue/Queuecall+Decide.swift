package import Contracts

/// The rules of queuecalls. They are monotone: a report that comes late, twice or out of order changes nothing that is
/// over.
extension Queuecall {
    /// An agent who did not answer a caller is not rung again for the same caller before this.
    package static let retryPause: Milliseconds = 10_000

    package static func create(_ new: New) -> [QueuecallEvent] { [.created(new), .waiting] }

    /// Whether `agent` may be rung for this caller now.
    package func mayRing(_ agent: ID, now: Timestamp) -> Bool {
        if let heldUntil, heldUntil > now { return false }
        guard let miss = misses.first(where: { $0.agent == agent }) else { return true }
        return now >= miss.at + Queuecall.retryPause
    }

    /// When the first of those who did not answer may be rung again, if it is later than `now`.
    package func nextRetry(after now: Timestamp) -> Timestamp? {
        let held = heldUntil.map { [$0] } ?? []
        return (misses.map { $0.at + Queuecall.retryPause } + held).filter { $0 > now }.min()
    }

    /// Rings agents; `legs` are theirs.
    package func ring(_ legs: [QueuecallEvent.Ringing.Leg], by settings: Queue.Settings) -> [QueuecallEvent] {
        guard status == .waiting, !legs.isEmpty else { return [] }
        let ringing = QueuecallEvent.Ringing(
            attempt: new.attempt,
            journal: new.journal,
            ringTimeout: settings.ringTimeout,
            serviceTimeout: settings.serviceTimeout,
            legs: legs
        )
        return [.connecting(ringing)]
    }

    /// What the worker says of a call to an agent. `isFree`: that agent has no other call.
    package func apply(_ report: AgentLegReport, isFree: Bool, wrapUp: Milliseconds) -> [QueuecallEvent] {
        switch report.state {
        case .ringing: return []
        case .answered: return answer(report, isFree: isFree)
        case .noAnswer, .busy, .failed, .late: return end(report.leg, report.state.rawValue)
        case .ended:
            if status == .service {
                return report.leg == serviceLeg ? [.done(.served, at: report.at, wrapUp: wrapUp)] : []
            }
            guard let leg = legs.first(where: { $0.id == report.leg }) else { return [] }
            let ended = QueuecallEvent.legEnded(leg: leg.id, agent: leg.agent, result: report.state.rawValue)
            guard legs.count == 1 else { return [ended] }
            // The end of the call will be told, or they wait on: both after a pause.
            guard vain + 1 >= Queuecall.mostVain else { return [ended, .waiting] }
            // Should the caller be there all the same, the flow goes on.
            return [ended, .abandoned(.hangup, at: report.at, attempt: new.attempt, journal: new.journal)]
        }
    }

    private func answer(_ report: AgentLegReport, isFree: Bool) -> [QueuecallEvent] {
        guard status != .service else { return [] }
        let serviced = QueuecallEvent.serviced(leg: report.leg, agent: report.agent, at: report.at)
        if isOpen, legs.contains(where: { $0.id == report.leg }) { return [serviced] }
        // It was given up too early: they talk, and so it is.
        if isOpen, isFree, misses.contains(where: { $0.leg == report.leg }) { return [serviced] }
        return [.legRefused(leg: report.leg, agent: report.agent, attempt: new.attempt, journal: new.journal)]
    }

    private func end(_ leg: ID, _ result: String) -> [QueuecallEvent] {
        guard let leg = legs.first(where: { $0.id == leg }) else { return [] }
        let ended = QueuecallEvent.legEnded(leg: leg.id, agent: leg.agent, result: result)
        return legs.count == 1 ? [ended, .waiting] : [ended]
    }

    /// The caller's call is over.
    package func callOver(at moment: Timestamp, wrapUp: Milliseconds) -> [QueuecallEvent] {
        guard isOpen else { return [] }
        if status == .service { return [.done(.hangup, at: moment, wrapUp: wrapUp)] }
        return [.abandoned(.hangup, at: moment, attempt: new.attempt, journal: nil)]
    }

    /// What is due: agents of whom nothing was heard are given up, and the caller who has waited long enough leaves. One
    /// whom agents are rung for stays until they have answered or not.
    package func due(now: Timestamp) -> [QueuecallEvent] {
        switch status {
        case .connecting:
            let overdue = legs.filter { $0.deadline <= now }
            let ended = overdue.map { QueuecallEvent.legEnded(leg: $0.id, agent: $0.agent, result: "no_report") }
            return overdue.count == legs.count ? ended + [.waiting] : ended
        case .waiting:
            guard let end = new.waitUntil, end <= now else { return [] }
            return [.abandoned(.waitTimeout, at: now, attempt: new.attempt, journal: new.journal)]
        default: return []
        }
    }

    /// Its queue is no more.
    package func queueDeleted(now: Timestamp) -> [QueuecallEvent] {
        guard status == .waiting else { return [] }
        return [.abandoned(.queueDeleted, at: now, attempt: new.attempt, journal: new.journal)]
    }

    /// Has the caller leave the queue, unless an agent may be answering just now.
    package func kick(now: Timestamp) throws(Refusal) -> [QueuecallEvent] {
        switch status {
        case .initiating, .waiting:
            return [.abandoned(.kicked, at: now, attempt: new.attempt, journal: new.journal)]
        case .connecting: throw .state("an agent is rung for the caller; wait until they have answered or not")
        case .service: throw .state("the caller talks with an agent; end the call with POST /calls/{id}/hangup")
        case .done, .abandoned: throw .state("the caller is not in the queue any more")
        }
    }

    /// When something is due, if at all. `retryAt`: when an agent who did not answer may be rung again.
    package func deadline(retryAt: Timestamp?) -> Timestamp? {
        switch status {
        case .waiting: [new.waitUntil, retryAt].compactMap(\.self).min()
        case .connecting: legs.map(\.deadline).min()
        default: nil
        }
    }
}

/// The choice of agents.
extension Queue {
    /// Whether the agent takes its calls: one of the same customer with one of its tags, anybody when it has none.
    package func isServed(by agent: Agent) -> Bool {
        guard agent.customer == customer, agent.deletedAt == nil else { return false }
        return settings.tags.isEmpty || agent.details.tags.contains { settings.tags.contains($0) }
    }

    /// Those who can be rung, the first to be rung first. Who let the last call ring out comes behind all others, the
    /// longest ago first. `draw` decides where the method leaves it to chance.
    package func order(_ agents: [Candidate], draw: UInt64) -> [Candidate] {
        let willing = agents.filter { $0.missedAt == nil }
        let others = agents.filter { $0.missedAt != nil }
            .sorted { ($0.missedAt ?? .never, $0.id) < ($1.missedAt ?? .never, $1.id) }
        switch settings.routingMethod {
        case .unspecified, .longestIdle, .ringall:
            return willing.sorted { ($0.availableSince, $0.id) < ($1.availableSince, $1.id) } + others
        case .roundRobin:
            let beginning = Timestamp(microseconds: .min)
            return willing.sorted { ($0.rungAt ?? beginning, $0.id) < ($1.rungAt ?? beginning, $1.id) } + others
        case .random:
            var source = RandomSource(seed: draw)
            return willing.sorted { $0.id < $1.id }.shuffled(using: &source) + others
        }
    }

    /// An agent who can be rung.
    package struct Candidate: Hashable, Sendable {
        package var id: ID
        package var availableSince: Timestamp
        package var rungAt: Timestamp?
        package var missedAt: Timestamp?

        package init(id: ID, availableSince: Timestamp, rungAt: Timestamp?, missedAt: Timestamp?) {
            self.id = id
            self.availableSince = availableSince
            self.rungAt = rungAt
            self.missedAt = missedAt
        }

        package init(_ agent: Agent) {
            id = agent.id
            availableSince = agent.duty.availableSince ?? agent.createdAt
            rungAt = agent.duty.rungAt
            missedAt = agent.duty.missedAt
        }
    }

    /// How many agents ring at once for one caller, when `waiting` callers could have them.
    package func ringsAtOnce(agents: Int, waiting: Int) -> Int {
        settings.routingMethod == .ringall ? max(1, agents / max(1, waiting)) : 1
    }
}

extension Agent {
    /// Where it is rung: its addresses, or itself where it has none.
    package var ringAddresses: [Address] {
        details.addresses.isEmpty ? [Address(type: "agent", target: id.description)] : details.addresses
    }
}
