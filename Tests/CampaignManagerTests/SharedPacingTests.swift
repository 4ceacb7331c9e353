import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import Service
import TestSupport
import Testing

/// Campaigns with a queue: how many calls they have under way for its agents, and how they share them.
@Suite struct SharedPacingTests {
    private let harness: CampaignHarness
    private let admin: String

    init() throws {
        harness = try CampaignHarness()
        admin = try harness.makeAdmin()
        try harness.hearWorker(channels: 1_000)
    }

    private func campaign(on queue: ID, _ settings: JSONObject = [:]) throws -> ID {
        var settings = settings
        settings["queue_id"] = .id(queue)
        return try harness.makeCampaign(settings)
    }

    /// Grants each request as many leases as it asks for, one answer a turn, until nobody asks any more.
    @discardableResult
    private func serve(_ requests: [LeaseRequest], limit: Int = 20) throws -> [ID: [Lease]] {
        var given: [ID: [Lease]] = [:]
        var open = requests
        for _ in 0..<limit where !open.isEmpty {
            let request = open.removeFirst()
            let leases = harness.leases(Int(request.count))
            given[request.campaign, default: []] += leases
            open += leaseRequests(try harness.perform([.leased(request, .leases(leases, isExhausted: false))]))
        }
        return given
    }

    /// A tick, the questions whether the lists are at their end answered with no; what is asked for targets then.
    @discardableResult
    private func tick(at seconds: Int) throws -> [LeaseRequest] {
        var requests = leaseRequests(try harness.tick(at: seconds))
        for question in requests where question.count == 0 {
            requests += leaseRequests(try harness.perform([.leased(question, .leases([], isExhausted: false))]))
        }
        return requests.filter { $0.count > 0 }
    }

    /// How the numbers of calls of two campaigns differ after each event of the log: the greatest difference.
    private func greatestDifference(_ first: ID, _ second: ID) throws -> Int {
        var (difference, greatest) = (0, 0)
        for dial in try harness.dials() {
            difference += dial.campaign == first ? 1 : dial.campaign == second ? -1 : 0
            greatest = max(greatest, abs(difference))
        }
        return greatest
    }

    @Test func `as many calls as the level allows for the agents, and more only when these have changed`() throws {
        let agents = try harness.makeAgents(10, by: admin)
        let queue = try harness.makeQueue()
        let campaign = try campaign(on: queue, ["service_level": 80])
        let requests = try harness.start(campaign)
        #expect(requests.map(\.count) == [13])
        let leases = try #require(try serve(requests)[campaign])
        #expect(try harness.dials().count == 13)
        #expect(try tick(at: 1).isEmpty)
        // An agent goes: the calls stay, and none follows one that ends.
        try harness.setStatus("away", of: agents[0], by: admin)
        #expect(leaseRequests(try harness.report(.hangup, leases[0], "busy")).isEmpty)
        // The agent is back: 13 are allowed, 12 are under way.
        let back = leaseRequests(try harness.setStatus("available", of: agents[0], by: admin))
        #expect(back.map(\.count) == [1])
        #expect(try harness.verify() == [])
    }

    @Test func `with all agents away nothing is dialed, and with one back it begins in the same turn`() throws {
        let agents = try harness.makeAgents(3, by: admin)
        let queue = try harness.makeQueue()
        for agent in agents { try harness.setStatus("away", of: agent, by: admin) }
        let campaign = try campaign(on: queue, ["service_level": 0])
        #expect(try harness.start(campaign).isEmpty)
        for second in 1...5 { #expect(try tick(at: second).isEmpty) }
        let effects = try harness.setStatus("available", of: agents[1], by: admin)
        #expect(leaseRequests(effects).map(\.campaign) == [campaign])
        // Level 0: one agent is enough for any number.
        #expect(leaseRequests(effects).map(\.count) == [250])
    }

    @Test func `two campaigns of one queue take turns call by call, whoever's answer comes first`() throws {
        _ = try harness.makeAgents(9, by: admin)
        let queue = try harness.makeQueue()
        let (first, second) = (try campaign(on: queue), try campaign(on: queue))
        var requests = try harness.start(first)
        // The second one starts while the first waits for its nine.
        #expect(requests.map(\.count) == [9])
        #expect(try harness.start(second).isEmpty)
        let early = harness.leases(9)
        requests = leaseRequests(try harness.perform([.leased(requests[0], .leases(early, isExhausted: false))]))
        #expect(requests.isEmpty)
        // Nine calls of the first: all end, and from here on they share.
        for lease in early { requests += leaseRequests(try harness.report(.hangup, lease, "busy")) }
        var served: [ID: Int] = [:]
        for round in 0..<60 {
            if requests.isEmpty { break }
            // The later asked is answered first, every other time.
            let request = round % 2 == 0 ? requests.removeLast() : requests.removeFirst()
            let leases = harness.leases(Int(request.count))
            served[request.campaign, default: 0] += leases.count
            requests += leaseRequests(try harness.perform([.leased(request, .leases(leases, isExhausted: false))]))
            let open = try harness.dials().suffix(12).filter { try harness.call($0.attempt)?.isOpen == true }
            for dial in open.prefix(2) {
                let lease = Lease(
                    attempt: dial.attempt,
                    target: dial.target,
                    destination: dial.destination,
                    destinationIndex: 0,
                    tryCount: 1
                )
                requests += leaseRequests(try harness.report(.hangup, lease, "busy"))
            }
        }
        #expect(served[second] ?? 0 > 20)
        let dials = try harness.dials().dropFirst(9)
        var difference = 0
        for dial in dials {
            difference += dial.campaign == first ? 1 : -1
            #expect(abs(difference) <= 1)
        }
        #expect(try harness.verify() == [])
    }

    @Test func `calls of both are made in one commit, one after the other`() throws {
        let agents = try harness.makeAgents(10, by: admin)
        let queue = try harness.makeQueue()
        for agent in agents { try harness.setStatus("away", of: agent, by: admin) }
        let (first, second) = (try campaign(on: queue), try campaign(on: queue))
        #expect(try harness.start(first).isEmpty && harness.start(second).isEmpty)
        let alone = leaseRequests(try harness.setStatus("available", of: agents[0], by: admin))
        #expect(alone.count == 1)
        for agent in agents.dropFirst() {
            #expect(leaseRequests(try harness.setStatus("available", of: agent, by: admin)).isEmpty)
        }
        var requests = leaseRequests(
            try harness.perform([.leased(alone[0], .leases(harness.leases(1), isExhausted: false))])
        )
        #expect(requests.map(\.count).sorted() == [4, 5])
        let held = try harness.perform([
            .leased(requests[0], .leases(harness.leases(Int(requests[0].count)), isExhausted: false))
        ])
        #expect(leaseRequests(held).isEmpty)
        #expect(try harness.dials().count == 1)
        requests = leaseRequests(
            try harness.perform([
                .leased(requests[1], .leases(harness.leases(Int(requests[1].count)), isExhausted: false))
            ])
        )
        #expect(requests.isEmpty)
        #expect(try harness.dials().count == 10)
        #expect(try greatestDifference(first, second) == 1)
        #expect(try harness.verify() == [])
    }

    @Test func `a lost answer holds the other campaign up for a second at most`() throws {
        let agents = try harness.makeAgents(4, by: admin)
        let queue = try harness.makeQueue()
        for agent in agents { try harness.setStatus("away", of: agent, by: admin) }
        let (first, second) = (try campaign(on: queue), try campaign(on: queue))
        #expect(try harness.start(first).isEmpty && harness.start(second).isEmpty)
        try tick(at: 1)
        let alone = leaseRequests(try harness.setStatus("available", of: agents[0], by: admin))
        for agent in agents.dropFirst() { try harness.setStatus("available", of: agent, by: admin) }
        let requests = leaseRequests(
            try harness.perform([.leased(alone[0], .leases(harness.leases(1), isExhausted: false))])
        )
        #expect(Set(requests.map(\.campaign)) == [first, second])
        let answered = requests[0]
        try harness.perform([.leased(answered, .leases(harness.leases(Int(answered.count)), isExhausted: false))])
        #expect(try harness.dials().count == 1)
        try tick(at: 2)
        #expect(try harness.dials().count == 1 + Int(answered.count))
        // The lost ones are found later, and take the turn that they have missed.
        let late = harness.leases(Int(requests[1].count))
        try harness.perform([.leased(requests[1], .unknown)])
        try harness.perform([
            .reconcile(
                ClaimReport(
                    outdial: CampaignHarness.outdial,
                    campaign: requests[1].campaign,
                    run: 1,
                    leases: late.map { .init(lease: $0, campaign: requests[1].campaign, run: 1) }
                )
            )
        ])
        try tick(at: 3)
        #expect(try harness.dials().count == 4)
        #expect(try harness.verify() == [])
    }

    @Test
    func `what an earlier run had taken is given back, and not dialed with what is held for the run that goes on`()
        throws
    {
        let agents = try harness.makeAgents(4, by: admin)
        let queue = try harness.makeQueue()
        for agent in agents { try harness.setStatus("away", of: agent, by: admin) }
        let campaigns = (try campaign(on: queue), try campaign(on: queue))
        for campaign in [campaigns.0, campaigns.1] {
            #expect(try harness.start(campaign).isEmpty)
            try harness.request("campaign.stop", ["id": .id(campaign)])
            #expect(try harness.start(campaign).isEmpty)
        }
        let alone = leaseRequests(try harness.setStatus("available", of: agents[0], by: admin))
        for agent in agents.dropFirst() { try harness.setStatus("available", of: agent, by: admin) }
        let requests = leaseRequests(
            try harness.perform([.leased(alone[0], .leases(harness.leases(1), isExhausted: false))])
        )
        try #require(requests.count == 2 && requests[0].run == 2)
        // Held until the other one has its answer.
        let own = harness.leases(Int(requests[0].count))
        try harness.perform([.leased(requests[0], .leases(own, isExhausted: false))])
        let old = harness.leases(1)
        try harness.perform([
            .reconcile(
                ClaimReport(
                    outdial: CampaignHarness.outdial,
                    campaign: requests[0].campaign,
                    run: 2,
                    leases: old.map { .init(lease: $0, campaign: requests[0].campaign, run: 1) }
                )
            )
        ])
        #expect(try harness.dials().count == 1)
        let others = harness.leases(Int(requests[1].count))
        try harness.perform([.leased(requests[1], .leases(others, isExhausted: false))])
        let dialed = try harness.dials().dropFirst()
        #expect(Set(dialed.map(\.attempt)) == Set((own + others).map(\.attempt)))
        #expect(dialed.allSatisfy { $0.run == 2 })
        let returned = try harness.items().compactMap { item -> AttemptFinished? in
            if case .attemptFinished(let finished) = item.body { finished } else { nil }
        }
        #expect(returned.map(\.attempt) == old.map(\.attempt) && returned.allSatisfy { $0.outcome == .cancelled })
        #expect(try harness.verify() == [])
    }

    @Test func `targets that no agent is left for are given back untouched`() throws {
        let agents = try harness.makeAgents(3, by: admin)
        let queue = try harness.makeQueue()
        let campaign = try campaign(on: queue)
        let requests = try harness.start(campaign)
        for agent in agents.prefix(2) { try harness.setStatus("offline", of: agent, by: admin) }
        let leases = harness.leases(3)
        try harness.perform([.leased(requests[0], .leases(leases, isExhausted: false))])
        #expect(try harness.dials().map(\.attempt) == [leases[0].attempt])
        let returned = try harness.items().compactMap { item -> AttemptFinished? in
            if case .attemptFinished(let finished) = item.body { finished } else { nil }
        }
        #expect(returned.map(\.attempt) == leases.dropFirst().map(\.attempt))
        #expect(returned.allSatisfy { $0.outcome == .cancelled })
    }

    // MARK: - Defects of others

    @Test func `B4: a call that has an agent does not count against the other agents`() throws {
        let agents = try harness.makeAgents(10, by: admin)
        let queue = try harness.makeQueue()
        let campaign = try campaign(on: queue)
        var leases = try #require(try serve(try harness.start(campaign))[campaign])
        #expect(leases.count == 10)
        // Five are answered and ring an agent, then talk: five agents are left, and five calls for them.
        for lease in leases.prefix(5) {
            try harness.report(.progressing, lease)
            #expect(leaseRequests(try harness.join(lease, queue)).isEmpty)
        }
        for ring in try harness.rings() { #expect(leaseRequests(try harness.report(.answered, ring)).isEmpty) }
        // One of the unanswered is busy: the agent it was for gets another call.
        var requests = leaseRequests(try harness.report(.hangup, leases[9], "busy"))
        #expect(requests.map(\.count) == [1])
        leases += try #require(try serve(requests)[campaign])
        // An answered one without an agent still counts, one that has hung up does not.
        try harness.report(.progressing, leases[8])
        requests = leaseRequests(try harness.report(.hangup, leases[8], "normal"))
        #expect(requests.map(\.count) == [1])
        #expect(try harness.statuses(agents).count { $0 == .busy } == 5)
    }

    @Test func `D1: all calls that are allowed are placed at once, not one each half second`() throws {
        _ = try harness.makeAgents(200, by: admin)
        let queue = try harness.makeQueue()
        let campaign = try campaign(on: queue)
        let started = harness.now
        try serve(try harness.start(campaign))
        #expect(try harness.dials().count == 200)
        #expect(harness.now == started)
    }

    @Test func `D2: after a "not now" the next call follows the change that allows it, in its turn`() throws {
        let agents = try harness.makeAgents(1, by: admin)
        let queue = try harness.makeQueue()
        let campaign = try campaign(on: queue)
        let leases = try #require(try serve(try harness.start(campaign))[campaign])
        try harness.report(.progressing, leases[0])
        try harness.join(leases[0], queue)
        try harness.report(.answered, try harness.rings()[0])
        #expect(try tick(at: 30).isEmpty)
        #expect(leaseRequests(try harness.report(.hangup, leases[0], "normal")).map(\.count) == [1])
        #expect(try harness.statuses(agents) == [.available])
    }

    @Test func `D5: a hundred and fifty agents are a hundred and fifty, and so are calls`() throws {
        _ = try harness.makeAgents(150, by: admin)
        let queue = try harness.makeQueue()
        let campaign = try campaign(on: queue)
        let leases = try #require(try serve(try harness.start(campaign))[campaign])
        #expect(leases.count == 150)
        #expect(try tick(at: 1).isEmpty)
        for lease in leases {
            try harness.report(.progressing, lease)
            try harness.join(lease, queue)
        }
        #expect(try harness.rings().count == 150)
    }

    @Test func `D6: campaigns of one queue share its agents, and callers who wait count for all of them`() throws {
        let agents = try harness.makeAgents(6, by: admin)
        let queue = try harness.makeQueue()
        let (first, second) = (try campaign(on: queue), try campaign(on: queue))
        // A campaign without a queue, whose flow brings callers to this one.
        let other = try harness.makeCampaign()
        let leases = harness.leases(2)
        try harness.perform([.leased(try harness.start(other)[0], .leases(leases, isExhausted: false))])
        for agent in agents { try harness.setStatus("away", of: agent, by: admin) }
        for lease in leases { try harness.join(lease, queue) }
        #expect(try harness.start(first).isEmpty && harness.start(second).isEmpty)
        for agent in agents.prefix(5) {
            try serve(leaseRequests(try harness.setStatus("available", of: agent, by: admin)))
        }
        // Two are rung for those who wait; the three others have three calls under way, whoever's they are.
        #expect(try harness.rings().count == 2)
        #expect(try harness.dials().count { $0.campaign != other } == 3)
        #expect(try greatestDifference(first, second) == 1)
    }
}
