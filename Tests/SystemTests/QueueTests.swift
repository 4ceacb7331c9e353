import CampaignDomain
import Contracts
import EventLog
import Testing

extension SystemTests {
    /// Answered people reach agents: whole campaigns with a queue, read from the log afterwards.
    @Suite struct QueueTests {
        @Test func telemarketingReachesAgentsAndNeverDialsMoreThanTheseCanTake() async throws {
            let patient: JSONObject = [
                "defaults": ["patience_ms": ["min": 600_000, "max": 600_000]],
                "agents": ["ring_ms": ["min": 500, "max": 2_000], "talk_ms": ["min": 5_000, "max": 30_000]],
            ]
            try await withSystem(timeScale: 0.01, scenario: patient) { system in
                let team = try await Team(20, in: system.api)
                try await nobodyIsDialedWithoutAgents(system, team)
                try await twoCampaignsTakeTurns(system, team)
                try await twoThousandPeople(system, team)
                for agent in team.agents {
                    let shown = try await system.api.get("/v1.0/agents/\(agent)")
                    #expect(shown["status"] == "available" && shown["queuecall_id"] == .id(.none))
                }
            }
        }

        /// Two thousand people; who presses 1 talks with an agent.
        private func twoThousandPeople(_ system: CarillonSystem, _ team: Team) async throws {
            let rows = (0..<2000).map { [number(201, $0, $0 % 9 + 1)] }
            func count(_ magic: Int...) -> Int { (0..<2000).count { magic.contains($0 % 9 + 1) } }
            let setup = try await system.api.makeCampaign(
                rows,
                tries: [1],
                settings: ["queue_id": .id(team.queue), "service_level": 40, "actions": Self.pressOne]
            )
            try await system.api.setStatus(setup.id, "run")
            try await system.api.awaitExhaustion(setup.id, within: .seconds(60))

            let facts = try system.facts().of(setup)
            #expect(facts.ledger.count == 2000)
            let progress = try await system.api.campaign(setup.id)["progress"]
            #expect(progress["calls"].integer == 2000)
            #expect(progress["queued"].integer == Int64(count(7)))
            #expect(progress["serviced"].integer == Int64(count(7)))
            #expect(progress["abandoned"].integer == 0)
            #expect(progress["abandon_rate"].double == 0)
            let answered = facts.calls.values.count { $0.answeredAt != nil }
            #expect(answered == count(1, 5, 7, 8, 9) - count(9))
            #expect(progress["answer_rate"].double == (Double(answered) / 2000 * 10_000).rounded() / 10_000)
            #expect(progress["agent_use"].double ?? 0 > 0)
            let queue = try await system.api.get("/v1.0/queues/\(team.queue)")
            #expect(queue["wait_queuecall_ids"] == [] && queue["service_queuecall_ids"] == [])
            let done = try await system.api.list("/v1.0/queuecalls?campaign_id=\(setup.id)&status=done")
            #expect(done.count == count(7))
            #expect(done.allSatisfy { team.agents.contains($0["service_agent_id"].id ?? .none) })

            let log = try QueueLog(system, queue: team.queue)
            #expect(log.problems(of: [setup.id: 40]).isEmpty)
            facts.expectSound()
        }

        /// Two campaigns start together, and their calls alternate to the end.
        private func twoCampaignsTakeTurns(_ system: CarillonSystem, _ team: Team) async throws {
            try await team.set("away", in: system.api)
            var setups: [CampaignSetup] = []
            for group in 202...203 {
                let rows = (0..<200).map { [number(group, $0, 2)] }
                setups.append(
                    try await system.api.makeCampaign(rows, tries: [1], settings: ["queue_id": .id(team.queue)])
                )
                try await system.api.setStatus(setups[setups.count - 1].id, "run")
            }
            try await team.set("available", in: system.api)
            for setup in setups { try await system.api.awaitExhaustion(setup.id, within: .seconds(30)) }
            let log = try QueueLog(system, queue: team.queue)
            #expect(log.created(by: setups[0].id).count == 200 && log.created(by: setups[1].id).count == 200)
            #expect(log.greatestDifference(setups[0].id, setups[1].id) <= 1)
            #expect(log.problems(of: [setups[0].id: 100, setups[1].id: 100]).isEmpty)
        }

        /// With all agents away nobody is dialed; one comes back, and it begins at once.
        private func nobodyIsDialedWithoutAgents(_ system: CarillonSystem, _ team: Team) async throws {
            try await team.set("away", in: system.api)
            let setup = try await system.api.makeCampaign(
                (0..<5).map { [number(204, $0, 2)] },
                tries: [1],
                settings: ["queue_id": .id(team.queue)]
            )
            try await system.api.setStatus(setup.id, "run")
            // Two ticks and a half: if anything polled, it would have dialed.
            try await Task.sleep(for: .milliseconds(2_500))
            #expect(try QueueLog(system, queue: team.queue).created(by: setup.id).isEmpty)
            try await system.api.call("PUT", "/v1.0/agents/\(team.agents[7])/status", ["status": "available"])
            try await system.api.awaitExhaustion(setup.id, within: .seconds(20))
            let log = try QueueLog(system, queue: team.queue)
            let back = try #require(log.lastStatus(of: team.agents[7], .available))
            let first = try #require(log.created(by: setup.id).first)
            #expect(first >= back && first.microseconds - back.microseconds < 100_000, "\(first) after \(back)")
            try await team.set("available", in: system.api)
        }

        private static let pressOne: JSONValue = [
            ["type": "talk", "option": ["text": "Press 1 to talk with us.", "language": "en-US"]],
            ["type": "digits_receive", "option": ["duration": 3_000, "length": 1]],
            [
                "type": "branch",
                "option": [
                    "default_target_id": .id(goodbye), "target_ids": ["1": .id(agent)],
                ],
            ],
            ["id": .id(goodbye), "type": "hangup"], ["id": .id(agent), "type": "empty"],
        ]
        private static let goodbye = ID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
        private static let agent = ID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0002)
    }
}

/// A queue and agents with its tag.
private struct Team {
    var queue: ID
    var agents: [ID]

    init(_ count: Int, in api: API) async throws {
        let tag = ID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0088)
        queue = try #require(
            try await api.call("POST", "/v1.0/queues", ["name": "sales", "tag_ids": [.id(tag)]])["id"].id
        )
        agents = []
        for index in 0..<count {
            let agent = try await api.call(
                "POST",
                "/v1.0/agents",
                [
                    "username": .string("agent\(index)"), "password": "a long password", "tag_ids": [.id(tag)],
                    "addresses": [["type": "extension", "target": .string("\(100 + index)")]],
                ]
            )
            agents.append(try #require(agent["id"].id))
        }
        try await set("available", in: api)
    }

    func set(_ status: String, in api: API) async throws {
        for agent in agents { try await api.call("PUT", "/v1.0/agents/\(agent)/status", ["status": .string(status)]) }
    }
}

/// What campaign-manager's log says of one queue, event by event.
private struct QueueLog {
    /// A call was made: for which campaign, how many agents were available and how many calls needed one just before.
    struct Creation {
        var campaign: ID
        var at: Timestamp
        var available: Int
        var dialing: Int
    }

    private(set) var creations: [Creation] = []
    private var statuses: [(agent: ID, status: Agent.Status, at: Timestamp)] = []

    init(_ system: CarillonSystem, queue: ID) throws {
        var agents: [ID: Agent] = [:]
        var coming: Set<ID> = []
        var waiting: Set<ID> = []
        var settings: Queue?
        var creations: [Creation] = []
        var statuses: [(agent: ID, status: Agent.Status, at: Timestamp)] = []
        try LogReader(path: "\(system.dataDirectory)/campaign-manager.db").forEachEvent { event in
            guard let data = event.data, let id = ID(event.stream.suffix(36)) else { return true }
            let json = try JSONValue(parsing: data)
            switch event.stream.dropLast(37) {
            case "queue" where id == queue:
                Queue.evolve(&settings, try QueueEvent(type: event.type, schema: 1, json: json), at: event.recordedAt)
            case "agent":
                let before = agents[id]?.status
                var agent = agents[id]
                Agent.evolve(&agent, try AgentEvent(type: event.type, schema: 1, json: json), at: event.recordedAt)
                agents[id] = agent
                if let status = agent?.status, status != before { statuses.append((id, status, event.recordedAt)) }
            case "campaigncall":
                switch try CampaigncallEvent(type: event.type, schema: 1, json: json) {
                case .created(let assignment) where assignment.queue == queue:
                    let available = agents.values.count { $0.canBeRung && settings?.isServed(by: $0) == true }
                    creations.append(
                        Creation(
                            campaign: assignment.campaign,
                            at: event.recordedAt,
                            available: available,
                            dialing: coming.count + waiting.count
                        )
                    )
                    coming.insert(id)
                case .finished, .queueJoined: coming.remove(id)
                default: break
                }
            case "queuecall":
                switch try QueuecallEvent(type: event.type, schema: 1, json: json) {
                case .waiting: waiting.insert(id)
                case .connecting, .serviced, .done, .abandoned: waiting.remove(id)
                default: break
                }
            default: break
            }
            return true
        }
        self.creations = creations
        self.statuses = statuses
    }

    func created(by campaign: ID) -> [Timestamp] { creations.filter { $0.campaign == campaign }.map(\.at) }

    func lastStatus(of agent: ID, _ status: Agent.Status) -> Timestamp? {
        statuses.last { $0.agent == agent && $0.status == status }?.at
    }

    /// Calls that were made although the level of their campaign did not allow them.
    func problems(of levels: [ID: Int]) -> [String] {
        creations.compactMap { creation in
            guard let level = levels[creation.campaign], creation.available * 100 <= creation.dialing * level else {
                return nil
            }
            return "\(creation.available) agents, \(creation.dialing) calls at \(creation.at)"
        }
    }

    /// By how many calls two campaigns differ at most, while both have more to make.
    func greatestDifference(_ first: ID, _ second: ID) -> Int {
        var counts = [first: 0, second: 0]
        let totals = [first: created(by: first).count, second: created(by: second).count]
        var greatest = 0
        for creation in creations where counts[creation.campaign] != nil {
            counts[creation.campaign, default: 0] += 1
            greatest = max(greatest, abs((counts[first] ?? 0) - (counts[second] ?? 0)))
            if counts[creation.campaign] == totals[creation.campaign] { break }
        }
        return greatest
    }
}
