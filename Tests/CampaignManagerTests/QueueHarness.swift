import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import Service
import TestSupport

/// Queues, agents, and what workers tell of the callers in them.
extension CampaignHarness {
    /// A customer's admin, made once; the actor of what follows.
    func makeAdmin() throws -> String { try makeCustomer(Self.customer, named: "admin").0 }

    func makeQueue(_ body: JSONObject = [:]) throws -> ID {
        let queue = ids.next(at: now)
        try request("queue.create", ["id": .id(queue), "body": .object(body)])
        return queue
    }

    /// Agents who are available, in the order in which they became so.
    func makeAgents(_ count: Int, tags: [ID] = [], by admin: String, prefix: String = "agent") throws -> [ID] {
        try (0..<count).map { index in
            let fields: JSONObject = [
                "status": "available", "tag_ids": .array(tags.map { .id($0) }),
                "addresses": [["type": "extension", "target": .string("10\(index)")]],
            ]
            return try makeAgent("\(prefix)\(index)", fields, by: admin).1
        }
    }

    @discardableResult
    func setStatus(_ status: String, of agent: ID, by admin: String) throws -> [CampaignEffect] {
        let request = Request(
            method: "agent.status",
            customerID: Self.customer,
            actor: admin,
            correlation: ids.next(at: now),
            params: ["id": .id(agent), "body": ["status": .string(status)]]
        )
        return try perform([.request(request, answer: { _ in })])
    }

    func agent(_ id: ID) throws -> Agent {
        guard let agent = try reader.read({ try CampaignTables.agents.load(id, in: $0)?.state }) else {
            throw Refusal.state("no such agent")
        }
        return agent
    }

    func statuses(_ agents: [ID]) throws -> [Agent.Status] { try agents.map { try agent($0).status } }

    func queuecall(of lease: Lease, entry: Int = 0) throws -> Queuecall {
        let id = ID.queuecall(of: lease.attempt, entry: entry)
        guard let found = try reader.read({ try CampaignTables.queuecalls.load(id, in: $0)?.state }) else {
            throw Refusal.state("no such queuecall")
        }
        return found
    }

    /// The caller has come to the queue.
    @discardableResult
    func join(_ lease: Lease, _ queue: ID, entry: Int = 0) throws -> [CampaignEffect] {
        try tell(
            .queueJoined(
                QueueEntry(
                    attempt: lease.attempt,
                    queuecall: .queuecall(of: lease.attempt, entry: entry),
                    queue: queue,
                    at: now,
                    journal: Self.journal,
                    sequence: 1
                )
            )
        )
    }

    /// What becomes of a ring that was asked for.
    @discardableResult
    func report(_ state: AgentLegReport.State, _ ring: AgentRing) throws -> [CampaignEffect] {
        try tell(
            .agentLeg(
                AgentLegReport(
                    attempt: ring.attempt,
                    queuecall: ring.queuecall,
                    leg: ring.leg,
                    agent: ring.agent,
                    state: state,
                    at: now,
                    journal: Self.journal,
                    sequence: 1
                )
            )
        )
    }

    /// All rings that the worker was ever asked for.
    func rings() throws -> [AgentRing] {
        try items().compactMap { if case .ringAgent(let ring) = $0.body { ring } else { nil } }
    }

    /// The reasons for which callers were told to leave.
    func leaves() throws -> [String] {
        try items().compactMap { if case .leaveQueue(_, _, let reason) = $0.body { reason } else { nil } }
    }

    func dials() throws -> [DialCommand] {
        try items().compactMap { if case .dial(let dial) = $0.body { dial } else { nil } }
    }

    /// A turn at this second, with whatever is due.
    @discardableResult
    func tick(at seconds: Int) throws -> [CampaignEffect] {
        now = moment(seconds)
        // The worker stays alive meanwhile.
        _ = try tell(.workerStatus(status(channels: 1_000, sequence: 1)))
        return try perform([.tick(isConnected: true)])
    }
}

/// The lease requests among effects.
func leaseRequests(_ effects: [CampaignEffect]) -> [LeaseRequest] {
    effects.compactMap { if case .lease(let request) = $0 { request } else { nil } }
}
