import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import Service
import TestSupport
import Testing

/// Callers who come to queues, and the agents who are rung for them.
@Suite struct QueueTurnTests {
    private let harness: CampaignHarness
    private let admin: String

    init() throws {
        harness = try CampaignHarness()
        admin = try harness.makeAdmin()
        try harness.hearWorker(channels: 100)
    }

    /// Calls of a campaign without a queue of its own, answered; so pacing is out of the way.
    private func answered(_ count: Int) throws -> [Lease] {
        let campaign = try harness.makeCampaign()
        let request = try #require(try harness.start(campaign).first)
        let leases = harness.leases(count)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        for lease in leases { try harness.report(.progressing, lease) }
        return leases
    }

    private func expectSound() throws { #expect(try harness.verify() == []) }

    @Test func `a caller gets an agent, they talk, the agent wraps up and is available again`() throws {
        let agents = try harness.makeAgents(2, by: admin)
        let queue = try harness.makeQueue(["wrap_up_time": 5_000, "service_timeout": 60_000])
        let lease = try answered(1)[0]
        harness.now = moment(10)
        try harness.join(lease, queue)
        let ring = try #require(try harness.rings().first)
        #expect(try harness.rings().count == 1)
        #expect(ring.agent == agents[0] && ring.queuecall == .queuecall(of: lease.attempt, entry: 0))
        #expect(ring.ringTimeout == 15_000 && ring.serviceTimeout == 60_000 && ring.addresses.count == 1)
        #expect(try harness.statuses(agents) == [.ringing, .available])
        harness.now = moment(13)
        try harness.report(.ringing, ring)
        try harness.report(.answered, ring)
        #expect(try harness.statuses(agents) == [.busy, .available])
        let service = try harness.queuecall(of: lease)
        #expect(service.status == .service && service.waitingTime == 3_000 && service.agentIdle == 10_000)
        harness.now = moment(40)
        try harness.report(.ended, ring)
        #expect(try harness.queuecall(of: lease).status == .done)
        #expect(try harness.agent(agents[0]).status == .busy)
        #expect(try harness.agent(agents[0]).duty.wrapUpUntil == moment(45))
        try harness.tick(at: 44)
        #expect(try harness.agent(agents[0]).status == .busy)
        try harness.tick(at: 45)
        #expect(try harness.agent(agents[0]).status == .available)
        try harness.report(.hangup, lease, "normal")
        #expect(try harness.queuecall(of: lease).endReason == .served)
        try expectSound()
    }

    @Test func `whoever waits longest is next when an agent is free, also after a restart`() throws {
        let queue = try harness.makeQueue()
        let agents = try harness.makeAgents(1, by: admin)
        try harness.setStatus("away", of: agents[0], by: admin)
        let leases = try answered(3)
        for (second, lease) in leases.enumerated() {
            harness.now = moment(second)
            try harness.join(lease, queue)
        }
        #expect(try harness.rings().isEmpty)
        // Another process on the same log.
        let next = CampaignTurn()
        let request = Request(
            method: "agent.status",
            customerID: CampaignHarness.customer,
            actor: admin,
            correlation: id(60),
            params: ["id": .id(agents[0]), "body": ["status": "available"]]
        )
        _ = try harness.file.perform(now: harness.now, ids: &harness.ids, dueUpTo: harness.now) { turn in
            try next.run(turn, [.request(request, answer: { _ in })]) { _ in }
        }
        #expect(try harness.rings().map(\.attempt) == [leases[0].attempt])
        try expectSound()
    }

    @Test func `an agent who does not answer gives way to the next, and comes behind the others`() throws {
        let agents = try harness.makeAgents(2, by: admin)
        let queue = try harness.makeQueue()
        let leases = try answered(2)
        try harness.join(leases[0], queue)
        harness.now = moment(15)
        try harness.report(.noAnswer, try harness.rings()[0])
        #expect(try harness.rings().map(\.agent) == [agents[0], agents[1]])
        #expect(try harness.statuses(agents) == [.available, .ringing])
        // For another caller the one who let it ring is there.
        try harness.join(leases[1], queue)
        #expect(try harness.rings().map(\.agent) == [agents[0], agents[1], agents[0]])
        // Nobody else is left for the first caller: the same agent is rung again, but not at once.
        harness.now = moment(16)
        try harness.report(.busy, try harness.rings()[1])
        try harness.report(.noAnswer, try harness.rings()[2])
        #expect(try harness.rings().count == 4)
        #expect(try harness.rings()[3].attempt == leases[1].attempt)
        for second in 17...24 { try harness.tick(at: second) }
        #expect(try harness.rings().count == 4)
        try harness.tick(at: 25)
        #expect(try harness.rings().count == 5)
        #expect(try harness.rings()[4].agent == agents[0] && harness.rings()[4].attempt == leases[0].attempt)
        try expectSound()
    }

    @Test func `a ring that came too late is another's turn after a pause, and no fault of the agent`() throws {
        let agents = try harness.makeAgents(1, by: admin)
        let queue = try harness.makeQueue()
        let lease = try answered(1)[0]
        harness.now = moment(10)
        try harness.join(lease, queue)
        let ring = try harness.rings()[0]
        #expect(ring.ringBy == moment(15))
        harness.now = moment(18)
        try harness.report(.late, ring)
        #expect(try harness.statuses(agents) == [.available])
        let duty = try harness.agent(agents[0]).duty
        #expect(duty.missedAt == nil && duty.availableSince == moment(0))
        #expect(try harness.queuecall(of: lease).status == .waiting && harness.rings().count == 1)
        // Often enough, too: the caller is there.
        for attempt in 1...5 {
            try harness.tick(at: 18 + 2 * attempt)
            #expect(try harness.rings().count == attempt + 1)
            try harness.report(.late, try harness.rings()[attempt])
        }
        #expect(try harness.queuecall(of: lease).status == .waiting)
        try expectSound()
    }

    @Test func `who has waited long enough leaves, is told so once, and counts as abandoned`() throws {
        let queue = try harness.makeQueue(["wait_timeout": 20_000])
        let lease = try answered(1)[0]
        try harness.join(lease, queue)
        try harness.tick(at: 19)
        #expect(try harness.queuecall(of: lease).status == .waiting)
        try harness.tick(at: 20)
        try harness.tick(at: 21)
        #expect(try harness.queuecall(of: lease).status == .abandoned)
        #expect(try harness.queuecall(of: lease).endReason == .waitTimeout)
        #expect(try harness.leaves() == ["wait_timeout"])
        // The flow goes on, and the call ends by itself.
        try harness.report(.hangup, lease, "normal")
        #expect(try harness.queuecall(of: lease).endReason == .waitTimeout)
        try expectSound()
    }

    @Test func `a caller who hangs up frees the agent who is rung or talks`() throws {
        let agents = try harness.makeAgents(3, by: admin)
        let queue = try harness.makeQueue()
        let leases = try answered(2)
        for lease in leases { try harness.join(lease, queue) }
        try harness.report(.answered, try harness.rings()[1])
        #expect(try harness.statuses(agents) == [.ringing, .busy, .available])
        harness.now = moment(5)
        for lease in leases { try harness.report(.hangup, lease, "normal") }
        #expect(try harness.statuses(agents) == [.available, .available, .available])
        #expect(try leases.map { try harness.queuecall(of: $0).status } == [.abandoned, .done])
        #expect(try leases.map { try harness.queuecall(of: $0).endReason } == [.hangup, .hangup])
        // What the worker tells later changes nothing, and an answer to nobody is ended.
        for ring in try harness.rings() { try harness.report(.ended, ring) }
        #expect(try harness.leaves().isEmpty)
        try harness.report(.answered, try harness.rings()[0])
        #expect(try harness.items().count { $0.body == .hangup(attempt: leases[0].attempt) } == 1)
        #expect(try harness.statuses(agents) == [.available, .available, .available])
        // The place in line was not lost.
        #expect(try harness.agent(agents[0]).duty.availableSince == moment(0))
        try expectSound()
    }

    @Test func `everything may come twice, and the end before the beginning`() throws {
        let agents = try harness.makeAgents(1, by: admin)
        let queue = try harness.makeQueue()
        let leases = try answered(2)
        for _ in 1...2 { try harness.join(leases[0], queue) }
        let ring = try harness.rings()[0]
        for _ in 1...2 { try harness.report(.answered, ring) }
        for _ in 1...2 { try harness.report(.ended, ring) }
        try harness.report(.answered, ring)
        #expect(try harness.rings().count == 1)
        #expect(try harness.statuses(agents) == [.available])
        // The second caller's end overtakes their coming.
        try harness.report(.hangup, leases[1], "normal")
        try harness.join(leases[1], queue)
        #expect(try harness.queuecall(of: leases[1]).status == .abandoned)
        #expect(try harness.rings().count == 1)
        let shown = try harness.ask("queue.get", ["id": .id(queue)], as: admin)
        #expect(shown["total_incoming_count"] == 2 && shown["total_serviced_count"] == 1)
        #expect(shown["total_abandoned_count"] == 1)
        try expectSound()
    }

    @Test func `where all ring, the first who answers wins, and callers share them`() throws {
        let agents = try harness.makeAgents(4, by: admin)
        let queue = try harness.makeQueue(["routing_method": "ringall"])
        let leases = try answered(2)
        try harness.join(leases[0], queue)
        #expect(try Set(harness.rings().map(\.agent)) == Set(agents))
        let rings = try harness.rings()
        try harness.report(.noAnswer, rings[0])
        try harness.report(.answered, rings[2])
        #expect(try harness.queuecall(of: leases[0]).serviceAgent == rings[2].agent)
        for ring in rings where ring.leg != rings[2].leg { try harness.report(.ended, ring) }
        let statuses = Dictionary(uniqueKeysWithValues: try agents.map { ($0, try harness.agent($0).status) })
        #expect(statuses.values.count { $0 == .available } == 3 && statuses[rings[2].agent] == .busy)
        #expect(try harness.leaves().isEmpty)
        try harness.report(.ended, rings[2])
        try harness.join(leases[1], queue)
        #expect(try harness.rings().count == 8)
        try expectSound()
    }

    @Test func `who goes away during a call is not rung again, and their caller is not lost`() throws {
        let agents = try harness.makeAgents(1, by: admin)
        let queue = try harness.makeQueue()
        let leases = try answered(2)
        try harness.join(leases[0], queue)
        try harness.report(.answered, try harness.rings()[0])
        try harness.setStatus("away", of: agents[0], by: admin)
        try harness.join(leases[1], queue)
        try harness.report(.ended, try harness.rings()[0])
        #expect(try harness.statuses(agents) == [.away])
        #expect(try harness.queuecall(of: leases[1]).status == .waiting)
        try harness.setStatus("available", of: agents[0], by: admin)
        #expect(try harness.rings().map(\.attempt) == leases.map(\.attempt))
        try expectSound()
    }

    @Test func `only agents with a tag of the queue are rung, and a change of tags counts at once`() throws {
        let tag = id(88)
        let plain = try harness.makeAgents(1, by: admin, prefix: "plain")
        let tagged = try harness.makeAgents(1, tags: [tag], by: admin, prefix: "tagged")
        let queue = try harness.makeQueue(["tag_ids": [.id(tag)]])
        let leases = try answered(2)
        for lease in leases { try harness.join(lease, queue) }
        #expect(try harness.rings().map(\.agent) == tagged)
        try harness.ask("queue.tag_ids", ["id": .id(queue), "body": ["tag_ids": []]], as: admin)
        #expect(try harness.rings().map(\.agent) == tagged + plain)
        try expectSound()
    }

    @Test func `an agent is given up when nobody reports, and no agent rings for ever`() throws {
        let agents = try harness.makeAgents(1, by: admin)
        let queue = try harness.makeQueue()
        let lease = try answered(1)[0]
        try harness.join(lease, queue)
        try harness.tick(at: 24)
        #expect(try harness.statuses(agents) == [.ringing])
        try harness.tick(at: 25)
        #expect(try harness.statuses(agents) == [.available])
        #expect(try harness.queuecall(of: lease).status == .waiting)
        // They do talk: that is heard late, and is so.
        try harness.report(.answered, try harness.rings()[0])
        #expect(try harness.queuecall(of: lease).status == .service)
        #expect(try harness.statuses(agents) == [.busy])
        try harness.report(.hangup, lease, "normal")
        #expect(try harness.statuses(agents) == [.available])
        try expectSound()
    }

    @Test func `an agent whose answer is heard late, in the wrap-up of another talk, stays busy while they talk`()
        throws
    {
        let agents = try harness.makeAgents(1, by: admin)
        let queue = try harness.makeQueue(["wrap_up_time": 20_000])
        let leases = try answered(3)
        try harness.join(leases[0], queue)
        let first = try harness.rings()[0]
        // Nothing is heard of the first ring; the second caller is served.
        for second in 1...24 { try harness.tick(at: second) }
        try harness.join(leases[1], queue)
        try harness.tick(at: 25)
        let second = try #require(try harness.rings().last)
        try harness.report(.answered, second)
        try harness.tick(at: 30)
        try harness.report(.ended, second)
        #expect(try harness.agent(agents[0]).duty.wrapUpUntil == moment(50))
        // They talk with the first.
        harness.now = moment(40)
        #expect(second.attempt == leases[1].attempt)
        try harness.report(.answered, first)
        #expect(try harness.queuecall(of: leases[0]).status == .service)
        try harness.join(leases[2], queue)
        let rings = try harness.rings().count
        try harness.tick(at: 50)
        try harness.tick(at: 51)
        #expect(try harness.statuses(agents) == [.busy])
        // What they want to be afterwards is not undone by the wrap-up before.
        try harness.setStatus("away", of: agents[0], by: admin)
        try harness.report(.ended, first)
        try harness.tick(at: 80)
        #expect(try harness.statuses(agents) == [.away] && harness.rings().count == rings)
        try expectSound()
    }

    @Test func `the agent of a lost worker's call is free once that call is settled`() throws {
        let agents = try harness.makeAgents(2, by: admin)
        let queue = try harness.makeQueue()
        let leases = try answered(2)
        try harness.join(leases[0], queue)
        try harness.report(.answered, try harness.rings()[0])
        for second in stride(from: 1, through: 100, by: 1) {
            harness.now = moment(second)
            try harness.perform([.tick(isConnected: true)])
            // Nobody is rung for a caller of whom nothing is known.
            if second == 30 { try harness.join(leases[1], queue) }
        }
        #expect(try harness.statuses(agents) == [.available, .available])
        #expect(try leases.map { try harness.queuecall(of: $0).status } == [.done, .abandoned])
        #expect(try harness.call(leases[0].attempt)?.hangupReason == "outcome_unknown")
        try expectSound()
    }

    @Test func `callers leave a queue that is deleted, and one that never was`() throws {
        let queue = try harness.makeQueue()
        let leases = try answered(3)
        for lease in leases.prefix(2) { try harness.join(lease, queue) }
        try harness.ask("queue.delete", ["id": .id(queue)], as: admin)
        #expect(try leases.prefix(2).map { try harness.queuecall(of: $0).endReason } == [.queueDeleted, .queueDeleted])
        try harness.join(leases[2], id(90))
        #expect(try harness.leaves() == ["queue_deleted", "queue_deleted", "queue_deleted"])
        #expect(throws: Refusal.self) { try harness.queuecall(of: leases[2]) }
        try expectSound()
    }

    @Test func `queues and queuecalls are shown, counted and filtered`() throws {
        let agents = try harness.makeAgents(1, by: admin)
        let (queue, other) = (try harness.makeQueue(), try harness.makeQueue())
        let leases = try answered(4)
        for (second, lease) in leases.enumerated() {
            harness.now = moment(second)
            try harness.join(lease, second == 3 ? other : queue)
        }
        try harness.report(.answered, try harness.rings()[0])
        try harness.report(.hangup, leases[1], "normal")
        let shown = try harness.ask("queue.get", ["id": .id(queue)], as: admin)
        let calls = leases.map { ID.queuecall(of: $0.attempt, entry: 0) }
        #expect(shown["service_queuecall_ids"] == [.id(calls[0])])
        #expect(shown["wait_queuecall_ids"] == [.id(calls[2])])
        #expect(shown["total_incoming_count"] == 3 && shown["total_serviced_count"] == 1)
        #expect(shown["total_abandoned_count"] == 1)
        func list(_ filter: JSONObject) throws -> [ID?] {
            try harness.ask("queuecall.list", CampaignHarness.listParams(filter), as: admin)["result"].array?
                .map { $0["id"].id } ?? []
        }
        let campaign = try #require(try harness.call(leases[0].attempt)).assignment.campaign
        #expect(try list([:]) == calls.reversed())
        #expect(try list(["queue_id": .id(queue)]) == calls.prefix(3).reversed())
        #expect(try list(["queue_id": .id(queue), "status": "waiting"]) == [calls[2]])
        #expect(try list(["campaign_id": .id(campaign), "status": "service"]) == [calls[0]])
        #expect(try list(["campaign_id": .id(id(99))]) == [])
        #expect(
            try harness.refusal("queuecall.list", ["filter": ["status": "x"]], as: admin)?.status == .invalidArgument
        )
        let one = try harness.ask("queuecall.get", ["id": .id(calls[0])], as: admin)
        #expect(one["service_agent_id"] == .id(agents[0]) && one["status"] == "service")
        #expect(try harness.refusal("queuecall.get", ["id": .id(calls[0])], as: admin, of: id(4))?.status == .notFound)
        try harness.ask("queuecall.kick", ["id": .id(calls[2])], as: admin)
        #expect(try harness.queuecall(of: leases[2]).endReason == .kicked)
        #expect(try harness.leaves() == ["kicked"])
        #expect(try harness.refusal("queuecall.kick", ["id": .id(calls[0])], as: admin)?.reason == "STATE_INVALID")
        try expectSound()
    }

    @Test func `a campaign tells how many answered, gave up, and how its agents were used`() throws {
        _ = try harness.makeAgents(1, by: admin)
        let queue = try harness.makeQueue(["wrap_up_time": 10_000])
        let leases = try answered(3)
        let campaign = try #require(try harness.call(leases[0].attempt)).assignment.campaign
        func progress() throws -> JSONValue {
            try harness.ask("campaign.get", ["id": .id(campaign)], as: admin)["progress"]
        }
        #expect(try progress()["abandon_rate"] == .null && progress()["agent_use"] == .null)
        harness.now = moment(20)
        try harness.join(leases[0], queue)
        harness.now = moment(25)
        try harness.report(.answered, try harness.rings()[0])
        try harness.join(leases[1], queue)
        harness.now = moment(90)
        try harness.report(.hangup, leases[0], "normal")
        try harness.report(.hangup, leases[1], "normal")
        try harness.report(.hangup, leases[2], "busy")
        let shown = try progress()
        #expect(shown["answer_rate"] == .double(1))
        #expect(shown["queued"] == 2 && shown["serviced"] == 1 && shown["abandoned"] == 1)
        #expect(shown["abandon_rate"] == .double(0.5))
        #expect(shown["agent_wait_ms"] == 20_000)
        // 65 s of talk and 10 s of wrap-up, of 20 s available, 5 s ringing and those.
        #expect(shown["agent_use"] == .double(0.75))
        // As metrics, while the campaign runs.
        let log = try LogReader(path: harness.directory.file("log.db"))
        #expect(
            try CampaignMetrics.figures(in: log) == [
                campaign: [
                    "carillon_campaign_answer_rate": 1, "carillon_campaign_abandon_rate": 0.5,
                    "carillon_campaign_agent_wait_seconds": 20, "carillon_campaign_agent_use": 0.75,
                ]
            ]
        )
        try harness.request("campaign.stop", ["id": .id(campaign)])
        #expect(try CampaignMetrics.figures(in: log).isEmpty)
        try expectSound()
    }
}
