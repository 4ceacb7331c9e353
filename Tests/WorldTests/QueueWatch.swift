import CampaignDomain
import Contracts
import EventLog

/// Reads campaign-manager's events of callers and agents as they are published, and says what must not be.
struct QueueWatch {
    private var position: Int64 = 0
    private var campaigns = Follower<Campaign>()
    private var calls = Follower<Campaigncall>()
    private var agents = Follower<Agent>()
    private var queues = Follower<Queue>()
    private var queuecalls = Follower<Queuecall>()
    /// Whom each agent is rung for, or talks with.
    private var held: [ID: ID] = [:]
    private(set) var problems: [String] = []
    /// The calls to agents that became a talk.
    private(set) var talks: Set<ID> = []
    private(set) var abandoned = 0
    private(set) var timedOut = 0

    mutating func see(_ event: RecordedEvent) throws {
        guard event.position > position, let data = event.data else { return }
        position = event.position
        let json = try JSONValue(parsing: data)
        if let call = try calls.see(event, json) {
            if call.before == nil, let new = call.after { checkLevel(of: new) }
        } else if let change = try queuecalls.see(event, json) {
            if let after = change.after { follow(change.before, after) }
        } else if try agents.see(event, json) == nil, try queues.see(event, json) == nil {
            _ = try campaigns.see(event, json)
        }
    }

    /// What may need an agent was not too much when one more call was made.
    private mutating func checkLevel(of call: Campaigncall) {
        guard let queue = call.neededQueue, let settings = queues.states[queue],
            let campaign = campaigns.states[call.assignment.campaign]
        else { return }
        let available = agents.states.values.count { $0.canBeRung && settings.isServed(by: $0) }
        let coming = calls.states.values.count { $0.neededQueue == queue } - 1
        let waiting = queuecalls.states.values.count {
            $0.new.queue == queue && [.initiating, .waiting].contains($0.status)
        }
        let level = Int64(campaign.settings.serviceLevel)
        let isAllowed = level == 0 ? available > 0 : Int64(available) * 100 > Int64(coming + waiting) * level
        if !isAllowed {
            problems.append(
                "\(available) agents, \(coming) calls, \(waiting) waiting: \(call.assignment.id) at level \(level)"
            )
        }
    }

    private mutating func follow(_ before: Queuecall?, _ after: Queuecall) {
        held = held.filter { $0.value != after.id }
        let holding = after.status == .service ? [after.serviceAgent] : after.isOpen ? after.legs.map(\.agent) : []
        if let queue = queues.states[after.new.queue] {
            for agent in after.legs.map(\.agent) where before?.legs.contains(where: { $0.agent == agent }) != true {
                guard let state = agents.states[agent], !queue.isServed(by: state) else { continue }
                problems.append("agent \(agent) is rung for a queue that they do not serve")
            }
        }
        for agent in holding {
            if let other = held.updateValue(after.id, forKey: agent) {
                problems.append("agent \(agent) is for \(other) and \(after.id) at once")
            }
        }
        guard before?.status != after.status else { return }
        if before?.isOpen == false { problems.append("queuecall \(after.id) was over, and is \(after.status)") }
        if after.status == .service { talks.insert(after.serviceLeg) }
        if after.status == .abandoned { abandoned += 1 }
        if after.endReason == .waitTimeout { timedOut += 1 }
    }
}
