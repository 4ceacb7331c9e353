import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import Service
import TestSupport
import Testing

/// How campaigns end, pause and follow each other.
@Suite struct EndingTests {
    /// A running campaign and the lease request that it made.
    private func running(_ body: JSONObject = [:]) throws -> (CampaignHarness, ID, LeaseRequest) {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let campaign = try harness.makeCampaign(body)
        return (harness, campaign, try #require(try harness.start(campaign).first))
    }

    private func lease(of effects: [CampaignEffect]) -> LeaseRequest? {
        effects.lazy.compactMap { if case .lease(let request) = $0 { request } else { nil } }.first
    }

    private func claim(of effects: [CampaignEffect]) -> NextClaim? {
        effects.lazy.compactMap { if case .claimNext(let claim) = $0 { claim } else { nil } }.first
    }

    private func hangUps(_ harness: CampaignHarness) throws -> [ID] {
        try harness.items().compactMap { if case .hangup(let attempt) = $0.body { attempt } else { nil } }
    }

    private func types(_ harness: CampaignHarness, of campaign: ID) throws -> [String] {
        try harness.reader.events(of: "campaign-\(campaign)").map(\.type)
    }

    /// One call of `campaign` that ends, and then the list: answers with what that turn wants done.
    private func workOff(_ harness: CampaignHarness, _ campaign: ID, _ request: LeaseRequest) throws -> [CampaignEffect]
    {
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.report(.progressing, leases[0])
        let ended = try harness.report(.hangup, leases[0], "normal")
        let ticked = try harness.perform([.tick(isConnected: true)])
        let last = try #require(lease(of: ended) ?? lease(of: ticked))
        return try harness.perform([.leased(last, .leases([], isExhausted: true))])
    }

    // MARK: - The campaign that follows

    @Test func `a campaign that has worked off its list is followed by the next, once`() throws {
        let (harness, first, request) = try running()
        let next = try harness.makeCampaign()
        try harness.request("campaign.next_campaign_id", ["id": .id(first), "body": ["next_campaign_id": .id(next)]])
        let claim = try #require(claim(of: try workOff(harness, first, request)))
        #expect(claim.next == next && claim.run == 1)
        #expect(try harness.campaign(first).resource["next_campaign_result"] == "due")
        #expect(try harness.campaign(next).status == .stop)
        // While it is under way nobody asks again.
        #expect(self.claim(of: try harness.perform([.tick(isConnected: true)])) == nil)
        try harness.perform([.nextClaimed(claim, .granted)])
        #expect(try harness.campaign(next).status == .run)
        #expect(try harness.campaign(first).resource["next_campaign_result"] == "started")
        // The same answer again, and later ticks, start nothing more.
        try harness.perform([.nextClaimed(claim, .granted), .tick(isConnected: true)])
        #expect(try types(harness, of: next).count { $0 == "campaign_started" } == 1)
        #expect(try harness.verify() == [])
    }

    @Test func `the wish for the next campaign outlives a kill, and is asked for until somebody answers`() throws {
        let (harness, first, request) = try running()
        let next = try harness.makeCampaign()
        try harness.request("campaign.next_campaign_id", ["id": .id(first), "body": ["next_campaign_id": .id(next)]])
        let lost = try #require(claim(of: try workOff(harness, first, request)))
        // The process that asked is gone, and the next one begins with a tick.
        let successor = CampaignTurn()
        let effects = Locked<[CampaignEffect]>([])
        func perform(_ inputs: [CampaignInput]) throws -> [CampaignEffect] {
            effects.value = []
            _ = try harness.file.perform(now: harness.now, ids: &harness.ids, dueUpTo: harness.now) { turn in
                try successor.run(turn, inputs) { more in effects.withLock { $0 += more } }
            }
            return effects.value
        }
        let again = try #require(claim(of: try perform([.tick(isConnected: true)])))
        #expect(again == lost)
        #expect(claim(of: try perform([.nextClaimed(again, .unknown)])) == nil)
        let third = try #require(claim(of: try perform([.tick(isConnected: true)])))
        // Its own claim on the same list is still on its way out: no reason to give up.
        let busy = Refusal(.failedPrecondition, "OUTDIAL_IN_USE", "x", details: [["campaign_id": .id(first)]])
        _ = try perform([.nextClaimed(third, .refused(busy))])
        let fourth = try #require(claim(of: try perform([.tick(isConnected: true)])))
        _ = try perform([.nextClaimed(fourth, .granted)])
        #expect(try harness.campaign(next).status == .run)
        #expect(try types(harness, of: first).count { $0 == "campaign_next_started" } == 1)
    }

    @Test func `what stands in the way of the next campaign is recorded as the reason`() throws {
        let reasons: [(String, (CampaignHarness, ID) throws -> Void)] = [
            ("NOT_STOPPED", { harness, next in _ = try harness.start(next) }),
            ("CAMPAIGN_NOT_FOUND", { harness, next in try harness.request("campaign.delete", ["id": .id(next)]) }),
            (
                "OUTPLAN_MISSING",
                { harness, next in
                    let outplan = try harness.campaign(next).settings.outplan
                    try harness.request("outplan.delete", ["id": .id(outplan)])
                }
            ),
        ]
        for (reason, prepare) in reasons {
            let (harness, first, request) = try running()
            let next = try harness.makeCampaign()
            try harness.request(
                "campaign.next_campaign_id",
                ["id": .id(first), "body": ["next_campaign_id": .id(next)]]
            )
            try prepare(harness, next)
            #expect(claim(of: try workOff(harness, first, request)) == nil)
            let shown = try harness.campaign(first).resource
            #expect(shown["next_campaign_result"] == "skipped" && shown["next_campaign_reason"].string == reason)
        }
    }

    @Test func `somebody else's claim, or a stop meanwhile, skips the next campaign, and a claim of it is given back`()
        throws
    {
        for isStopped in [true, false] {
            let (harness, first, request) = try running()
            let next = try harness.makeCampaign()
            try harness.request(
                "campaign.next_campaign_id",
                ["id": .id(first), "body": ["next_campaign_id": .id(next)]]
            )
            let claim = try #require(claim(of: try workOff(harness, first, request)))
            let other = Refusal(.failedPrecondition, "OUTDIAL_IN_USE", "x", details: [["campaign_id": .id(id(77))]])
            if isStopped { try harness.request("campaign.stop", ["id": .id(next)]) }
            let effects = try harness.perform([.nextClaimed(claim, isStopped ? .granted : .refused(other))])
            #expect(effects.contains(.reconcile) == isStopped)
            #expect(try harness.campaign(next).status == .stop)
            let reason = try harness.campaign(first).resource["next_campaign_reason"].string
            #expect(reason == (isStopped ? "STOPPED" : "OUTDIAL_IN_USE"))
        }
    }

    @Test func `nothing follows a requested stop, nor a run that has placed no call`() throws {
        let (harness, first, request) = try running()
        let next = try harness.makeCampaign()
        try harness.request("campaign.next_campaign_id", ["id": .id(first), "body": ["next_campaign_id": .id(next)]])
        // The list was worked off before.
        #expect(claim(of: try harness.perform([.leased(request, .leases([], isExhausted: true))])) == nil)
        #expect(try harness.campaign(first).resource["next_campaign_reason"] == "NOTHING_PLACED")
        let again = try #require(try harness.start(first).first)
        try harness.perform([.leased(again, .leases(harness.leases(1), isExhausted: false))])
        try harness.request("campaign.stop", ["id": .id(first)])
        #expect(try types(harness, of: first).count { $0 == "campaign_next_due" } == 0)
    }

    @Test func `only calls of the run that ended count as placed`() throws {
        let (harness, first, request) = try running()
        let next = try harness.makeCampaign()
        #expect(claim(of: try workOff(harness, first, request)) == nil)
        try harness.request("campaign.next_campaign_id", ["id": .id(first), "body": ["next_campaign_id": .id(next)]])
        harness.now = moment(60)
        try harness.hearWorker(sequence: 2)
        let again = try #require(try harness.start(first).first)
        _ = try harness.perform([.leased(again, .leases([], isExhausted: true))])
        #expect(try harness.campaign(first).resource["next_campaign_reason"] == "NOTHING_PLACED")
    }

    // MARK: - The calls that outlast a stop

    @Test func `answered calls are hung up when the drain timeout has passed, and not before`() throws {
        let (harness, campaign, request) = try running(["stop_drain_timeout": 5_000])
        let leases = harness.leases(2)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.report(.progressing, leases[0])
        try harness.request("campaign.stop", ["id": .id(campaign)])
        harness.now = moment(4)
        try harness.perform([.tick(isConnected: true)])
        #expect(try hangUps(harness).isEmpty)
        harness.now = moment(5)
        try harness.perform([.tick(isConnected: true)])
        #expect(try hangUps(harness) == [leases[0].attempt])
        // The other was answered before its cancel came: its time is over as well.
        try harness.report(.progressing, leases[1])
        #expect(try hangUps(harness) == leases.map(\.attempt))
        for lease in leases { try harness.report(.hangup, lease, "normal", by: "local") }
        #expect(try harness.campaign(campaign).status == .stop)
        #expect(try harness.call(leases[0].attempt)?.result == "success")
        #expect(try harness.verify() == [])
    }

    @Test func `a drain timeout of 0 hangs up at once, and none lets calls go on`() throws {
        for (timeout, expected) in [(0, 1), (nil, 0)] as [(Int64?, Int)] {
            let (harness, campaign, request) = try running(
                timeout.map { ["stop_drain_timeout": .integer($0)] } ?? [:]
            )
            let leases = harness.leases(1)
            try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
            try harness.report(.progressing, leases[0])
            try harness.request("campaign.stop", ["id": .id(campaign)])
            #expect(try hangUps(harness).count == expected)
            harness.now = moment(3000)
            try harness.perform([.tick(isConnected: true)])
            #expect(try hangUps(harness).count == expected)
        }
    }

    @Test func `a drain timeout that is set while it stops counts from the stop on, and a start ends it`() throws {
        let (harness, campaign, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.report(.progressing, leases[0])
        try harness.request("campaign.stop", ["id": .id(campaign)])
        harness.now = moment(10)
        let body: JSONValue = ["stop_drain_timeout": 20_000]
        try harness.request("campaign.update", ["id": .id(campaign), "body": body])
        harness.now = moment(15)
        _ = try harness.start(campaign)
        harness.now = moment(21)
        try harness.perform([.tick(isConnected: true)])
        #expect(try hangUps(harness).isEmpty)
        try harness.request("campaign.stop", ["id": .id(campaign)])
        harness.now = moment(41)
        try harness.perform([.tick(isConnected: true)])
        #expect(try hangUps(harness) == [leases[0].attempt])
    }

    // MARK: - Pausing

    @Test func `a paused campaign dials nobody, gives its leases back, and goes on at once`() throws {
        let (harness, campaign, request) = try running()
        let leases = harness.leases(2)
        let pause: (Bool) -> JSONValue = { ["id": .id(campaign), "body": ["paused": .bool($0)]] }
        #expect(try harness.request("campaign.pause", pause(true))["paused"] == true)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        #expect(try harness.items().count { $0.kind == "dial" } == 0)
        let back = try harness.items().compactMap { item -> AttemptFinished.Outcome? in
            if case .attemptFinished(let finished) = item.body { finished.outcome } else { nil }
        }
        #expect(back == [.cancelled, .cancelled])
        harness.now = moment(40)
        try harness.hearWorker(sequence: 2)
        #expect(lease(of: try harness.perform([.tick(isConnected: true)])) == nil)
        #expect(try harness.campaign(campaign).status == .run)
        let unpaused = Locked<Reply?>(nil)
        let effects = try harness.perform([
            .request(
                Request(
                    method: "campaign.pause",
                    customerID: CampaignHarness.customer,
                    actor: "test",
                    correlation: id(60),
                    params: pause(false)
                ),
                answer: { unpaused.value = $0 }
            )
        ])
        #expect(lease(of: effects) != nil)
        #expect(try harness.verify() == [])
    }

    @Test func `calls go on in a pause, and it does not end by exhaustion before it is over`() throws {
        let (harness, campaign, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        let more = lease(of: try harness.report(.progressing, leases[0]))
        try harness.request("campaign.pause", ["id": .id(campaign), "body": ["paused": true]])
        try harness.report(.hangup, leases[0], "normal")
        #expect(try harness.call(leases[0].attempt)?.result == "success")
        if let more { try harness.perform([.leased(more, .leases([], isExhausted: true))]) }
        _ = try harness.tell(.outdialExhausted(outdial: request.outdial, campaign: campaign, run: 1))
        #expect(try harness.campaign(campaign).status == .run)
        try harness.request("campaign.pause", ["id": .id(campaign), "body": ["paused": false]])
        harness.now = moment(1)
        let asked = lease(of: try harness.tell(.outdialExhausted(outdial: request.outdial, campaign: campaign, run: 1)))
        let ticked = lease(of: try harness.perform([.tick(isConnected: true)]))
        _ = (asked, ticked)
        #expect(try harness.campaign(campaign).isPaused == false)
    }

    // MARK: - What a start needs

    @Test func `a campaign whose queue or flow was deleted does not start`() throws {
        for (kind, field, reason) in [("queue", "queue_id", "QUEUE_MISSING"), ("flow", "flow_id", "FLOW_MISSING")] {
            let harness = try CampaignHarness()
            let thing = harness.ids.next(at: harness.now)
            try harness.request("\(kind).create", ["id": .id(thing), "body": [:]])
            let campaign = try harness.makeCampaign([field: .id(thing)])
            try harness.request("\(kind).delete", ["id": .id(thing)])
            let refusal = #expect(throws: Refusal.self) { try harness.start(campaign) }
            #expect(refusal?.reason == reason && refusal?.status == .failedPrecondition)
        }
    }

    @Test func `a flow that callers of a running campaign hear while they wait is not deleted`() throws {
        let (harness, campaign, _) = try running()
        let (queue, flow) = (harness.ids.next(at: harness.now), harness.ids.next(at: harness.now))
        try harness.request("flow.create", ["id": .id(flow), "body": [:]])
        try harness.request("queue.create", ["id": .id(queue), "body": ["wait_flow_id": .id(flow)]])
        try harness.request("campaign.resource_info", ["id": .id(campaign), "body": ["queue_id": .id(queue)]])
        #expect(throws: Refusal.self) { try harness.request("flow.delete", ["id": .id(flow)]) }
        try harness.request("campaign.stop", ["id": .id(campaign)])
        try harness.request("flow.delete", ["id": .id(flow)])
    }
}
