import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import GRDB
import Service
import TestSupport
import Testing

/// A customer tries a campaign on a number of their own.
@Suite struct TestCallTests {
    private static let number: JSONValue = ["destination": "+15557654321"]

    private func stopped(
        _ body: JSONObject = [:],
        plan: JSONObject = ["max_try_count_0": 2]
    ) throws -> (
        CampaignHarness, ID
    ) {
        let harness = try CampaignHarness()
        try harness.hearWorker(channels: 2)
        return (harness, try harness.makeCampaign(body, plan: plan))
    }

    @discardableResult
    private func testCall(_ harness: CampaignHarness, _ campaign: ID, _ body: JSONValue = number) throws -> JSONValue {
        try harness.request(
            "campaign.test_call",
            ["campaign_id": .id(campaign), "id": .id(harness.ids.next(at: harness.now)), "body": body]
        )
    }

    private func reason(_ work: () throws -> some Any) -> String? {
        #expect(throws: Refusal.self) { _ = try work() }?.reason
    }

    private func list(_ harness: CampaignHarness, _ method: String) throws -> [JSONValue] {
        let request = CampaignHarness.reading(method, of: .none)
        return try CampaignReads(log: try harness.reader, clock: { moment(0) }).answer(request).get()
            .requireArray("result")
    }

    @Test func `it calls from the campaign's source while the campaign is stopped, and nothing counts it`() throws {
        let (harness, campaign) = try stopped(["source": "+15550001111"])
        let call = try testCall(harness, campaign)
        #expect(call["metadata"]["test_call"] == true)
        #expect(call["source"]["target"] == "+15550001111")
        let dial = try #require(
            try harness.items().lazy.compactMap { if case .dial(let dial) = $0.body { dial } else { nil } }.first
        )
        #expect(dial.destination.target == "+15557654321")
        // A worker ends what belongs to a cancelled run: this belongs to none.
        #expect(dial.campaign.isNone && dial.target.isNone)
        #expect(try list(harness, "call.list").map { $0["id"] } == [call["id"]])
        #expect(try list(harness, "campaigncall.list").isEmpty)
        let progress = try harness.request("campaign.stop", ["id": .id(campaign)])["progress"]
        #expect(progress["calls"] == 0 && progress["dialing"] == 0)
        let read = CampaignHarness.reading("campaigncall.get", of: dial.attempt)
        let reply = try CampaignReads(log: try harness.reader, clock: { moment(0) }).answer(read)
        #expect(throws: Refusal.self) { try reply.get() }
        #expect(try harness.verify() == [])
    }

    @Test func `its end moves no target, and outdial-manager and other programs are told nothing`() throws {
        let (harness, campaign) = try stopped()
        let call = try testCall(harness, campaign)
        let attempt = try #require(call["campaigncall_id"].id)
        let lease = Lease(attempt: attempt, target: .none, destination: tel("+1"), destinationIndex: 0, tryCount: 1)
        try harness.report(.progressing, lease)
        try harness.report(.hangup, lease, "normal")
        #expect(try list(harness, "call.list").map { $0["status"] } == ["hangup"])
        #expect(try harness.items().count { $0.kind == "attempt_finished" } == 0)
        let translator = EventTranslator(source: "campaign-manager", categories: campaignManagerEvents)
        let told = try harness.reader.read { db in
            try RecordedEvent.fetch("ORDER BY position", [], in: db).compactMap {
                try translator.publicEvent(of: $0, in: db)?.type
            }
        }
        #expect(!told.contains { $0.hasPrefix("campaigncall") })
        #expect(try harness.verify() == [])
    }

    @Test func `a stop leaves it alone, and it takes a channel`() throws {
        let (harness, campaign) = try stopped()
        try testCall(harness, campaign)
        let request = try #require(try harness.start(campaign).first)
        #expect(request.count == 1)
        try harness.request("campaign.stop", ["id": .id(campaign)])
        #expect(try harness.campaign(campaign).status == .stop)
        #expect(try harness.items().count { $0.kind == "cancel" || $0.kind == "hangup" } == 0)
        try testCall(harness, campaign, ["destination": "+15557654322"])
        #expect(reason { try testCall(harness, campaign, ["destination": "+15557654323"]) } == "NO_CHANNEL")
    }

    @Test func `one number has one call at a time, whoever is first`() throws {
        let (harness, campaign) = try stopped()
        try testCall(harness, campaign)
        #expect(reason { try testCall(harness, campaign) } == "NUMBER_BUSY")
        let request = try #require(try harness.start(campaign).first)
        var leases = harness.leases(1)
        leases[0].destination = tel("+15557654321")
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        #expect(try harness.items().count { $0.kind == "dial" } == 1)
    }

    @Test func `an address is one number however it is written`() throws {
        let (harness, campaign) = try stopped()
        try testCall(harness, campaign, ["destination": "sip:Ann@Example.com"])
        #expect(reason { try testCall(harness, campaign, ["destination": "sips:ann@example.com"]) } == "NUMBER_BUSY")
        let request = try #require(try harness.start(campaign).first)
        var leases = harness.leases(1)
        leases[0].destination = Address(type: "sip", target: "ann@example.com")
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        #expect(try harness.items().count { $0.kind == "dial" } == 1)
    }

    @Test func `the same request makes one call, and what is wrong is said`() throws {
        let (harness, campaign) = try stopped()
        let params: JSONValue = ["campaign_id": .id(campaign), "id": .id(id(70)), "body": Self.number]
        let first = try harness.request("campaign.test_call", params)
        #expect(try harness.request("campaign.test_call", params)["id"] == first["id"])
        #expect(reason { try testCall(harness, campaign, [:]) } == "INVALID_ARGUMENT")
        #expect(reason { try testCall(harness, campaign, ["destination": "a@example.com"]) } == "INVALID_ARGUMENT")
        #expect(reason { try testCall(harness, id(404)) } == "CAMPAIGN_NOT_FOUND")
        // Neither an empty list nor a plan without tries keeps one from trying it.
        let (other, idle) = try stopped(plan: ["max_try_count": 0])
        try testCall(other, idle)
        try harness.request("system.dialing", ["body": ["enabled": false]])
        #expect(reason { try testCall(harness, campaign, ["destination": "+15557654322"]) } == "DIALING_DISABLED")
    }

    @Test func `a test call that its worker does not place is still a call`() throws {
        let (harness, campaign) = try stopped()
        let attempt = try #require(try testCall(harness, campaign)["campaigncall_id"].id)
        _ = try harness.tell(
            .attemptRefused(attempt: attempt, reason: "late", journal: CampaignHarness.journal, sequence: 2)
        )
        #expect(try list(harness, "call.list").map { $0["hangup_reason"] } == ["not_dialed"])
        #expect(try harness.verify() == [])
    }
}
