import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import Service
import TestSupport
import Testing

/// Defects of other dialers that work by the same documents, by the names that the README of the tests lists: each shows
/// that ours does the right thing.
@Suite struct KnownDefectTests {
    private func running(_ body: JSONObject = [:]) throws -> (CampaignHarness, ID, LeaseRequest) {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let campaign = try harness.makeCampaign(body)
        return (harness, campaign, try #require(try harness.start(campaign).first))
    }

    private func finished(_ harness: CampaignHarness) throws -> [AttemptFinished] {
        try harness.items().compactMap { item in
            if case .attemptFinished(let finished) = item.body { finished } else { nil }
        }
    }

    private func asked(_ effects: [CampaignEffect]) -> LeaseRequest? {
        effects.lazy.compactMap { if case .lease(let request) = $0 { request } else { nil } }.first
    }

    private func refusal(_ body: () throws -> some Any) -> Refusal? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? Refusal
        }
    }

    @Test func `A2: a target whose only call fails at the end of the list gets its retry before the campaign ends`()
        throws
    {
        let (harness, campaign, request) = try running()
        let last = harness.leases(1)
        try harness.perform([.leased(request, .leases(last, isExhausted: false))])
        // Nobody is idle while the last call is under way: that is no end.
        let ticked = asked(try harness.perform([.tick(isConnected: true)]))
        if let ticked { try harness.perform([.leased(ticked, .leases([], isExhausted: false))]) }
        #expect(try harness.campaign(campaign).status == .run)
        try harness.report(.hangup, last[0], "busy")
        #expect(try harness.campaign(campaign).status == .run)
        let ready = Item.Body.outdialReady(outdial: request.outdial, campaign: campaign, run: 1)
        let again = try #require(asked(try harness.tell(ready)))
        let retry = harness.leases(1)
        let leased = try harness.perform([.leased(again, .leases(retry, isExhausted: false))])
        let ended = try harness.report(.hangup, retry[0], "busy")
        #expect(try harness.campaign(campaign).status == .run)
        let told = try harness.tell(ready)
        let final = try #require(asked(leased) ?? asked(ended) ?? asked(told))
        try harness.perform([.leased(final, .leases([], isExhausted: true))])
        #expect(try harness.campaign(campaign).endReason == .exhausted)
    }

    @Test func `A3: next_campaign_id is started when the list is worked off`() throws {
        let (harness, first, request) = try running()
        let next = try harness.makeCampaign()
        try harness.request("campaign.next_campaign_id", ["id": .id(first), "body": ["next_campaign_id": .id(next)]])
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        let ended = try harness.report(.hangup, leases[0], "busy")
        let last = try #require(asked(ended) ?? asked(try harness.perform([.tick(isConnected: true)])))
        let effects = try harness.perform([.leased(last, .leases([], isExhausted: true))])
        for case .claimNext(let claim) in effects { try harness.perform([.nextClaimed(claim, .granted)]) }
        #expect(try harness.campaign(next).status == .run)
    }

    @Test func `B5: a hangup reason that nobody knows is a failure, and ends nothing but its call`() throws {
        let (harness, campaign, request) = try running()
        let leases = harness.leases(2)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.report(.hangup, leases[0], "struck_by_lightning")
        try harness.report(.hangup, leases[1], "")
        for lease in leases {
            let call = try #require(try harness.call(lease.attempt))
            #expect(!call.isOpen && call.result == "fail")
        }
        #expect(try finished(harness).map(\.result) == ["fail", "fail"])
        #expect(try harness.campaign(campaign).status == .run)
        #expect(try harness.verify() == [])
    }

    @Test func `A4: the outplan's dial_timeout travels with every dial`() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let campaign = try harness.makeCampaign(plan: ["max_try_count_0": 1, "dial_timeout": 45_000])
        let request = try #require(try harness.start(campaign).first)
        try harness.perform([.leased(request, .leases(harness.leases(2), isExhausted: false))])
        let timeouts = try harness.items().compactMap { item -> Milliseconds? in
            if case .dial(let dial) = item.body { dial.dialTimeout } else { nil }
        }
        #expect(timeouts == [45_000, 45_000])
    }

    @Test func `A6: a partial PUT keeps what it does not name`() throws {
        let harness = try CampaignHarness()
        let campaign = try harness.makeCampaign([
            "name": "spring", "detail": "calls", "service_level": 80, "end_handle": "continue",
            "actions": [["type": "talk", "option": ["text": "hello"]]],
        ])
        let before = try harness.campaign(campaign).settings
        try harness.request("campaign.update", ["id": .id(campaign), "body": ["name": "summer"]])
        var expected = before
        expected.name = "summer"
        #expect(try harness.campaign(campaign).settings == expected)
    }

    @Test func `A8: deleting a running campaign or an open campaigncall is refused, and nothing changes`() throws {
        let (harness, campaign, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        let ofCampaign = refusal { try harness.request("campaign.delete", ["id": .id(campaign)]) }
        #expect(ofCampaign?.reason == "STATE_INVALID")
        #expect(ofCampaign?.message.contains("stop it with PUT /campaigns/{id}/status") == true)
        let ofCall = refusal { try harness.request("campaigncall.delete", ["id": .id(leases[0].attempt)]) }
        #expect(ofCall?.reason == "STATE_INVALID")
        #expect(try harness.campaign(campaign).deletedAt == nil)
        #expect(try harness.call(leases[0].attempt)?.deletedAt == nil)
    }

    @Test func `A9: a campaign that ends gives its outdial back, and can be deleted without keeping it`() throws {
        let (harness, campaign, request) = try running()
        try harness.perform([.leased(request, .leases([], isExhausted: true))])
        let released = try harness.items().filter { $0.kind == "claim_released" }
        #expect(released.map(\.body) == [.claimReleased(outdial: request.outdial, campaign: campaign, run: 1)])
        try harness.request("campaign.delete", ["id": .id(campaign)])
        #expect(try harness.campaign(campaign).deletedAt != nil)
    }

    @Test(arguments: ["sms-bulk", "none", "CALL"]) func `B1: an unknown type is refused by name and stops nobody`(
        _ kind: String
    ) throws {
        let (harness, campaign, _) = try running()
        let refused = refusal {
            try harness.request(
                "campaign.create",
                ["id": .id(harness.ids.next(at: harness.now)), "body": ["type": .string(kind)]]
            )
        }
        #expect(refused?.status == .invalidArgument)
        #expect(refused?.message.hasPrefix("type must be one of") == true)
        #expect(try harness.campaign(campaign).status == .run)
    }

    @Test func `B3: a running campaign needs no heartbeat: a new process of the manager goes on with it`() throws {
        let (harness, campaign, _) = try running()
        // Another process on the same log: nothing of the old one's memory is left, its lease request neither.
        let next = CampaignTurn(settings: CampaignTurn.Settings())
        harness.now = moment(1)
        var effects: [CampaignEffect] = []
        let collected = Locked<[CampaignEffect]>([])
        for second in 1...3 {
            harness.now = moment(second)
            _ = try harness.file.perform(now: harness.now, ids: &harness.ids, dueUpTo: harness.now) { turn in
                try next.run(turn, [.tick(isConnected: true)]) { more in collected.withLock { $0 += more } }
            }
            _ = try harness.file.perform(now: harness.now, ids: &harness.ids, dueUpTo: harness.now) { turn in
                let item = Item(
                    id: ID(high: 40, low: UInt64(second)),
                    correlation: ID(high: 41, low: 1),
                    body: .workerStatus(harness.status(sequence: Int64(second)))
                )
                try next.run(turn, [.message(.items([item]), acknowledge: {})]) { more in
                    collected.withLock { $0 += more }
                }
            }
        }
        effects = collected.value
        #expect(effects.contains { if case .lease(let lease) = $0 { lease.campaign == campaign } else { false } })
        // And it can be stopped.
        try harness.request("campaign.stop", ["id": .id(campaign)])
        #expect(try harness.campaign(campaign).status == .stop)
    }

    @Test func `C2: a call whose creation is not confirmed is asked for, never given to somebody else`() throws {
        let (harness, _, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        // Far beyond the moment up to which it may be placed, nothing was heard: its journal is asked.
        for second in stride(from: 5, through: 120, by: 5) {
            harness.now = moment(second)
            try harness.hearWorker(sequence: Int64(second))
            try harness.perform([.tick(isConnected: true)])
        }
        #expect(try harness.items().contains { $0.kind == "settle" })
        #expect(try harness.items().count { $0.kind == "dial" } == 1)
        // The call did exist: its answer and end count, and exactly one result goes to the target.
        try harness.report(.progressing, leases[0])
        try harness.report(.hangup, leases[0], "normal")
        let results = try finished(harness)
        #expect(results.count == 1)
        #expect(try harness.verify() == [])
    }

    @Test func `C3: a repeated or late hangup neither flips the result nor touches a newer attempt`() throws {
        let (harness, _, request) = try running()
        let first = harness.leases(1)
        try harness.perform([.leased(request, .leases(first, isExhausted: false))])
        try harness.report(.hangup, first[0], "busy")
        let ready = Item.Body.outdialReady(outdial: request.outdial, campaign: request.campaign, run: 1)
        let again = try #require(asked(try harness.tell(ready)))
        var second = harness.leases(1)
        second[0].target = first[0].target
        second[0].tryCount = 2
        try harness.perform([.leased(again, .leases(second, isExhausted: false))])
        try harness.report(.hangup, first[0], "normal")
        #expect(try harness.call(first[0].attempt)?.hangupReason == "busy")
        #expect(try harness.call(second[0].attempt)?.isOpen == true)
        #expect(try finished(harness).map(\.attempt) == [first[0].attempt])
    }

    @Test func `C4: a run that follows a stop at once stays a run`() throws {
        let (harness, campaign, request) = try running()
        let leases = harness.leases(1)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        try harness.request("campaign.stop", ["id": .id(campaign)])
        #expect(try harness.campaign(campaign).status == .stopping)
        _ = try harness.start(campaign)
        #expect(try harness.campaign(campaign).status == .run)
        // The last call of the run that was stopped ends, and that stops nothing.
        try harness.report(.hangup, leases[0], "cancel", by: "system")
        #expect(try harness.campaign(campaign).status == .run)
        #expect(try harness.campaign(campaign).run == 2)
    }

    @Test func `C6: what a read answers right after a change is the changed state`() throws {
        let harness = try CampaignHarness()
        let campaign = try harness.makeCampaign()
        let reads = CampaignReads(log: try harness.reader, clock: { moment(0) })
        for level in 1...20 as ClosedRange<Int64> {
            try harness.request(
                "campaign.service_level",
                ["id": .id(campaign), "body": ["service_level": .integer(level)]]
            )
            let read = CampaignHarness.reading("campaign.get", of: campaign)
            #expect(try reads.answer(read).get()["service_level"].integer == level)
        }
    }
}
