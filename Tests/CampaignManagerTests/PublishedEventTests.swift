import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import GRDB
import Service
import TestSupport
import Testing

/// What other programs are told of campaign-manager's log.
@Suite struct PublishedEventTests {
    private static let hash = "scrypt$16384$8$1$00ff$5ec7e7"
    private static let tokenHash = "5ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7"

    private func events(_ harness: CampaignHarness) throws -> [JSONValue] {
        let translator = EventTranslator(source: "campaign-manager", categories: campaignManagerEvents)
        return try harness.reader.read { db in
            try RecordedEvent.fetch("ORDER BY position", [], in: db).compactMap { event in
                guard let told = try translator.publicEvent(of: event, in: db) else { return nil }
                var bytes: [UInt8] = []
                told.write(into: &bytes)
                return try JSONValue(parsing: bytes)
            }
        }
    }

    private func makeAccount(_ harness: CampaignHarness) throws -> ID {
        let key = harness.ids.next(at: harness.now)
        try harness.request(
            "account.create",
            [
                "customer_id": .id(CampaignHarness.customer), "agent_id": .id(harness.ids.next(at: harness.now)),
                "accesskey_id": .id(key), "username": "ann", "permission": 33,
                "password_hash": .string(Self.hash), "token_hash": .string(Self.tokenHash),
                "token_prefix": "vb_abcde", "body": ["name": "Example"],
            ]
        )
        return key
    }

    /// A campaign with two calls: one is answered, one is busy; then everything is changed and deleted.
    private func wholeLife() throws -> CampaignHarness {
        let harness = try CampaignHarness()
        let key = try makeAccount(harness)
        try harness.request("accesskey.update", ["id": .id(key), "body": ["name": "crm"]])
        try harness.hearWorker()
        let campaign = try harness.makeCampaign()
        try harness.request("campaign.update", ["id": .id(campaign), "body": ["name": "spring"]])
        let requests = try harness.start(campaign)
        let leases = harness.leases(2)
        try harness.perform([
            .leased(try #require(requests.first), .leases(leases, isExhausted: false))
        ])
        harness.now = moment(1)
        for lease in leases { try harness.report(.dialing, lease) }
        for lease in leases { try harness.report(.ringing, lease) }
        harness.now = moment(2)
        try harness.report(.progressing, leases[0])
        try harness.report(.digits, leases[0])
        try harness.report(.hangup, leases[1], "busy")
        try harness.request("campaign.stop", ["id": .id(campaign), "body": ["status": "stop"]])
        harness.now = moment(3)
        try harness.report(.hangup, leases[0], "normal")
        try harness.report(.hangup, leases[0], "busy")
        try harness.request("campaigncall.delete", ["id": .id(leases[0].attempt)])
        let outplan = try harness.campaign(campaign).settings.outplan
        try harness.request("outplan.update", ["id": .id(outplan), "body": ["name": "thrice"]])
        try harness.request("campaign.delete", ["id": .id(campaign)])
        try harness.request("outplan.delete", ["id": .id(outplan)])
        try harness.request("accesskey.delete", ["id": .id(key)])
        return harness
    }

    @Test func aWholeLifeIsToldStepByStep() throws {
        let events = try events(wholeLife())
        let told = events.map { $0["type"].string ?? "" }
        #expect(
            told == [
                "customer_created", "agent_created", "accesskey_created", "accesskey_updated", "outplan_created",
                "campaign_created", "campaign_updated", "campaign_status_run", "campaigncall_created",
                "campaigncall_created", "campaigncall_updated", "campaigncall_updated", "campaigncall_updated",
                "campaigncall_updated", "campaign_status_stopping", "campaigncall_updated", "campaign_status_stop",
                "campaigncall_deleted", "outplan_updated", "campaign_deleted", "outplan_deleted", "accesskey_deleted",
            ]
        )
        let calls = events.filter { $0["type"].string?.hasPrefix("campaigncall_") ?? false }
        let answered = calls.filter { $0["subject"] == calls[0]["subject"] }
        #expect(answered.map { $0["data"]["status"].string } == ["dialing", "dialing", "progressing", "done", "done"])
        #expect(answered.map { $0["data"]["result"].string } == ["", "", "", "success", "success"])
        #expect(answered[1]["data"]["tm_update"].string == "2026-01-01T00:00:01.000000Z")
        #expect(answered[2]["data"]["tm_progressing"].string == "2026-01-01T00:00:02.000000Z")
        #expect(answered[2]["data"]["tm_hangup"] == .null)
        let campaigns = events.filter { $0["data"]["end_reason"] != .null }
        #expect(campaigns.map { $0["data"]["name"].string } == ["", "spring", "spring", "spring", "spring", "spring"])
        #expect(campaigns.map { $0["data"]["status"].string } == ["stop", "stop", "run", "stopping", "stop", "stop"])
        #expect(events.allSatisfy { $0["data"]["customer_id"].id == CampaignHarness.customer })
        #expect(events.allSatisfy { $0["customerid"].id == CampaignHarness.customer })
    }

    @Test func everyEventHoldsToItsSchema() async throws {
        for event in try events(wholeLife()) {
            let type = try #require(event["type"].string)
            let problems = try await SchemaChecker.shared.problems(of: event, by: "events/\(type).json")
            #expect(problems.isEmpty, "\(problems) in \(event.text)")
        }
    }

    /// A caller who is served, and one who gives up.
    private func queueLife() throws -> CampaignHarness {
        let harness = try CampaignHarness()
        let admin = try harness.makeAdmin()
        try harness.hearWorker()
        let agents = try harness.makeAgents(1, by: admin)
        let queue = try harness.makeQueue(["wrap_up_time": 1_000])
        let request = try #require(try harness.start(try harness.makeCampaign()).first)
        let leases = harness.leases(2)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        for lease in leases { try harness.join(lease, queue) }
        try harness.setStatus("away", of: agents[0], by: admin)
        try harness.report(.answered, try harness.rings()[0])
        for lease in leases { try harness.report(.hangup, lease, "normal") }
        return harness
    }

    @Test func whoWaitsAndWhoTalksIsTold() async throws {
        let events = try events(queueLife())
        let told = events.compactMap { $0["type"].string }.filter { $0.contains("queue") || $0.contains("agent_") }
        #expect(
            told == [
                "agent_created", "agent_created", "queue_created", "queuecall_created", "queuecall_waiting",
                "agent_status_updated", "queuecall_connecting", "queuecall_created", "queuecall_waiting",
                "agent_updated", "queuecall_serviced", "agent_status_updated", "queuecall_done", "agent_status_updated",
                "queuecall_abandoned",
            ]
        )
        let statuses = events.filter { $0["type"] == "agent_status_updated" }.map { $0["data"]["status"].string }
        #expect(statuses == ["ringing", "busy", "away"])
        for event in events {
            let type = try #require(event["type"].string)
            let problems = try await SchemaChecker.shared.problems(of: event, by: "events/\(type).json")
            #expect(problems.isEmpty, "\(problems) in \(event.text)")
        }
    }

    @Test func everyTypeThatCanBeToldHasASchema() throws {
        let written = Set(try SchemaFiles.names(in: "events"))
        let missing = campaignManagerEvents.flatMap(\.possibleTypes).filter { !written.contains($0) }
        #expect(missing.isEmpty, "write schemas/events/\(missing).json and name them in schemas/asyncapi.yaml")
    }

    @Test func noHashLeavesTheLog() throws {
        let harness = try wholeLife()
        let stored = try harness.reader.events(after: 0, limit: 10_000).compactMap(\.data)
            .map { String(decoding: $0, as: UTF8.self) }
        // They are in the log, so that this proves something.
        #expect(stored.contains { $0.contains(Self.hash) } && stored.contains { $0.contains(Self.tokenHash) })
        for event in try events(harness) {
            let found = Secrets.found(in: event, values: [Self.hash, Self.tokenHash])
            #expect(found.isEmpty, "\(event["type"].string ?? ""): \(found)")
        }
    }
}
