import CampaignDomain
import Contracts
import EventLog
import GRDB
import Service
import TestSupport
import Testing

@testable import CampaignManager

@Suite struct CampaignListTests {
    private func read(
        _ harness: CampaignHarness,
        _ method: String,
        _ params: JSONValue,
        customer: ID = CampaignHarness.customer
    ) throws -> JSONValue {
        let now = harness.now
        return try CampaignReads(log: try harness.reader, clock: { now }).answer(
            Request(method: method, customerID: customer, actor: "test", correlation: id(1), params: params)
        ).get()
    }

    private func ids(_ harness: CampaignHarness, _ method: String, _ filter: JSONObject) throws -> [ID] {
        try read(harness, method, ["filter": .object(filter)]).requireArray("result").compactMap { $0["id"].id }
    }

    /// A running campaign with calls that are dialing, answered, successful, busy, and never dialed, in this order.
    private func calls() throws -> (CampaignHarness, ID, [Lease]) {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let campaign = try harness.makeCampaign(["name": "Spring"])
        let request = try #require(try harness.start(campaign).first)
        let leases = harness.leases(5)
        try harness.perform([.leased(request, .leases(leases, isExhausted: false))])
        for lease in leases[1...3] {
            try harness.report(.dialing, lease)
            try harness.report(.progressing, lease)
        }
        try harness.report(.hangup, leases[2], "normal")
        try harness.report(.hangup, leases[3], "busy")
        try harness.report(.hangup, leases[4], "not_dialed")
        return (harness, campaign, leases)
    }

    @Test func `campaigncalls are filtered by status, result, reason, outdial, campaign and time`() throws {
        let (harness, campaign, leases) = try calls()
        let all = leases.map(\.attempt)
        func list(_ filter: JSONObject) throws -> Set<ID> { Set(try ids(harness, "campaigncall.list", filter)) }
        #expect(try list([:]) == Set(all[0...3]))
        #expect(try list(["status": "dialing"]) == [all[0]])
        #expect(try list(["status": "progressing"]) == [all[1]])
        #expect(try list(["status": "done"]) == [all[2], all[3]])
        #expect(try list(["result": "success"]) == [all[2]])
        #expect(try list(["hangup_reason": "busy"]) == [all[3]])
        #expect(try list(["hangup_reason": "not_dialed"]) == [all[4]])
        #expect(try list(["campaign_id": .id(campaign), "result": "fail"]) == [all[3]])
        #expect(try list(["campaign_id": .id(id(4711))]) == [])
        #expect(try list(["outdial_id": .id(CampaignHarness.outdial)]) == Set(all[0...3]))
        #expect(try list(["outdial_id": .id(id(4711))]) == [])
        #expect(try list(["from": "2026-01-01 00:00:00", "to": "2026-01-01 00:00:01"]) == Set(all[0...3]))
        #expect(try list(["to": "2026-01-01 00:00:00"]) == [])
    }

    @Test func `a campaign's own list takes the same filters`() throws {
        let (harness, campaign, leases) = try calls()
        func list(_ filter: JSONObject) throws -> [ID] {
            try read(harness, "campaigncall.list", ["campaign_id": .id(campaign), "filter": .object(filter)])
                .requireArray("result").compactMap { $0["id"].id }
        }
        #expect(try list(["result": "fail"]) == [leases[3].attempt])
        #expect(try list(["campaign_id": .id(id(4711))]) == [])
        #expect(throws: Refusal.self) { try list(["status": "over"]) }
    }

    @Test func `the calls of another customer are in no list`() throws {
        let (harness, campaign, _) = try calls()
        let params: JSONValue = ["filter": ["campaign_id": .id(campaign)]]
        #expect(try read(harness, "campaigncall.list", params, customer: id(99))["result"].array == [])
        #expect(throws: Refusal.self) {
            try read(harness, "campaigncall.list", ["campaign_id": .id(campaign)], customer: id(99))
        }
    }

    @Test func `campaigns are filtered by status and name, outplans by name`() throws {
        let (harness, running, _) = try calls()
        harness.now = moment(5)
        let stopped = try harness.makeCampaign(["name": "spring 2"])
        #expect(try ids(harness, "campaign.list", ["status": "running"]) == [running])
        #expect(try ids(harness, "campaign.list", ["status": "stop"]) == [stopped])
        #expect(try ids(harness, "campaign.list", ["name": "pring"]) == [stopped, running])
        #expect(try ids(harness, "campaign.list", ["name": "Spring"]) == [running])
        #expect(try ids(harness, "outplan.list", ["name": "no such"]) == [])
        try harness.request("outplan.create", ["id": .id(id(80)), "body": ["name": "twice a day"]])
        #expect(try ids(harness, "outplan.list", ["name": "twice"]) == [id(80)])
        let refusal = #expect(throws: Refusal.self) { try ids(harness, "campaign.list", ["status": "over"]) }
        #expect(refusal?.message == "status must be one of stop, run, stopping, not \"over\"")
    }

    @Test func `the last call of each target is found by an index`() throws {
        let (harness, campaign, leases) = try calls()
        let targets: JSONValue = .array((leases.map(\.target) + [id(4711)]).map { .id($0) })
        let answer = try read(harness, "campaigncall.last", ["campaign_id": .id(campaign), "target_ids": targets])
        #expect(answer.object?.members.count == 4)
        let busy = answer[leases[3].target.description]
        #expect(busy["id"].id == leases[3].attempt)
        #expect(busy["hangup_reason"].string == "busy")
        #expect(busy["destination"]["target"].string == "+15550000001")
        #expect(busy["tm_hangup"].integer != nil)
        #expect(answer[leases[4].target.description].isNull)
        let many: JSONValue = .array(Array(repeating: .id(id(1)), count: 501))
        #expect(throws: Refusal.self) {
            try read(harness, "campaigncall.last", ["campaign_id": .id(campaign), "target_ids": many])
        }
        #expect(try harness.verify() == [])
    }

    @Test("A12: deleted campaigns and calls are in lists only when they are asked for") func deletedAreHidden() throws {
        let harness = try CampaignHarness()
        let campaign = try harness.makeCampaign()
        try harness.request("campaign.delete", ["id": .id(campaign)])
        #expect(try ids(harness, "campaign.list", [:]) == [])
        #expect(try read(harness, "campaign.list", ["deleted": true])["result"].array?.count == 1)
    }

    @Test("A11: campaigns that share a microsecond are on one page") func tiesAreWhole() throws {
        let harness = try CampaignHarness()
        let together = try (0..<5).map { _ in try harness.makeCampaign() }
        harness.now = moment(9)
        let newest = try harness.makeCampaign()
        let first = try read(harness, "campaign.list", ["page_size": 2])
        #expect(Set(try first.requireArray("result").compactMap { $0["id"].id }) == Set(together + [newest]))
        #expect(first["next_page_token"].isNull)
    }

    // MARK: - Rehearsal

    @Test func `a rehearsal names everything that is missing`() throws {
        let harness = try CampaignHarness()
        let campaign = id(60)
        try harness.request("campaign.create", ["id": .id(campaign), "body": ["type": "flow"]])
        let reads = CampaignReads(log: try harness.reader, clock: { moment(0) })
        let request = CampaignHarness.reading("campaign.rehearse", of: campaign)
        let found = try reads.rehearsal(request).obstacles.map(\.reason)
        #expect(found == ["ACTIONS_MISSING", "OUTDIAL_MISSING", "OUTPLAN_MISSING", "NO_WORKER"])
        var other = request
        other.customerID = id(99)
        #expect(throws: Refusal.self) { try reads.rehearsal(other) }
    }

    @Test func `a campaign that could start has no obstacles`() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let campaign = try harness.makeCampaign()
        let none = try harness.makeCampaign(plan: ["max_try_count_0": 0])
        let reads = CampaignReads(log: try harness.reader, clock: { moment(0) })
        func obstacles(_ campaign: ID) throws -> [String] {
            let request = CampaignHarness.reading("campaign.rehearse", of: campaign)
            return try reads.rehearsal(request).obstacles.map(\.reason)
        }
        #expect(try obstacles(campaign) == [])
        #expect(try obstacles(none) == ["NO_TRIES"])
    }

    @Test func `the shortest duration is the longer of the wait and the rate`() {
        func shortest(_ targets: Int64, _ rate: Double, _ until: Timestamp?) -> Int64? {
            CampaignHandler.shortestDuration(
                targets: targets,
                callsPerSecond: rate,
                laterUntil: until,
                now: moment(0)
            )
        }
        #expect(shortest(0, 5, nil) == nil)
        #expect(shortest(10, 0, nil) == 0)
        #expect(shortest(10, 4, nil) == 2500)
        #expect(shortest(10, 0.5, moment(10)) == 20_000)
        #expect(shortest(10, 4, moment(60)) == 60_000)
    }

    // MARK: - Idempotency

    @Test func `a repeated access key is the first one, and no secret is in the log`() throws {
        let harness = try CampaignHarness()
        let key = IdempotencyKey(key: "k", path: "/v1.0/accesskeys", fingerprint: "f")
        func create(_ number: UInt64, _ hash: String) throws -> JSONValue {
            try harness.request(
                "accesskey.create",
                [
                    "id": .id(id(number)), "body": ["name": "programs"], "token_hash": .string(hash),
                    "token_prefix": "vb_abcde",
                ],
                key: key
            )
        }
        let first = try create(70, String(repeating: "ab", count: 32))
        let second = try create(71, String(repeating: "cd", count: 32))
        #expect(second == first)
        #expect(first["id"].id == id(70))
        let stored = try harness.reader.read {
            try String.fetchAll($0, sql: "SELECT answer || fingerprint FROM answered_request")
        }
        #expect(stored.count == 1)
        #expect(stored.allSatisfy { !$0.contains("abab") && !$0.contains("cdcd") })
        #expect(try harness.verify() == [])
    }
}
