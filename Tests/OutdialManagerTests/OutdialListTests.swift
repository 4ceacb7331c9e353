import Contracts
import EventLog
import GRDB
import OutdialDomain
import OutdialManager
import Service
import TestSupport
import Testing

@Suite struct OutdialListTests {
    // MARK: - Filters

    private func list(_ harness: OutdialHarness, _ filter: JSONObject, deleted: Bool = false) throws -> [String] {
        let page = try harness.read(
            "target.list",
            ["outdial_id": .id(OutdialHarness.outdial), "filter": .object(filter), "deleted": .bool(deleted)]
        )
        return try page.requireArray("result").map { try $0.requireString("name") }
    }

    /// Ann is idle, Bob was busy, Cid answered, Dora is being called, Eve never had a chance.
    private func people() throws -> OutdialHarness {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let plan = DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 60_000)
        try harness.claim(plan: plan)
        for (index, name) in ["Bob", "Cid", "Dora"].enumerated() {
            harness.now = moment(index + 1)
            try harness.addTarget("+1555000000\(index)", named: name)
        }
        let leases = try harness.lease(3).leases
        try harness.finish(leases[0], .busy)
        try harness.finish(leases[1], .normal)
        harness.now = moment(10)
        try harness.addTarget("+15550000008", named: "Ann")
        try harness.addTarget("+15550000009", named: "Eve")
        return harness
    }

    @Test func `targets are filtered by status, result, reason, name and time`() throws {
        let harness = try people()
        #expect(try list(harness, [:]) == ["Eve", "Ann", "Dora", "Cid", "Bob"])
        #expect(try list(harness, ["status": "idle"]) == ["Eve", "Ann"])
        #expect(try list(harness, ["status": "progressing"]) == ["Dora"])
        #expect(try list(harness, ["status": "done"]) == ["Cid", "Bob"])
        #expect(try list(harness, ["result": "fail"]) == ["Bob"])
        #expect(try list(harness, ["result_reason": "busy"]) == ["Bob"])
        #expect(try list(harness, ["hangup_reason": "normal"]) == ["Cid"])
        #expect(try list(harness, ["status": "done", "result": "success"]) == ["Cid"])
        #expect(try list(harness, ["name": "o"]) == ["Dora", "Bob"])
        #expect(try list(harness, ["name": "O"]) == [])
        #expect(try list(harness, ["from": "2026-01-01 00:00:02", "to": "2026-01-01T00:00:10Z"]) == ["Dora", "Cid"])
    }

    @Test func `deleted targets are filtered by how they stood`() throws {
        let harness = try people()
        let all = try harness.read("target.list", ["outdial_id": .id(OutdialHarness.outdial)])
        for target in try all.requireArray("result") where ["Bob", "Ann"].contains(target["name"].string) {
            _ = try harness.request("target.delete", ["outdial_id": .id(OutdialHarness.outdial), "id": target["id"]])
        }
        #expect(try list(harness, ["status": "done"]) == ["Cid"])
        #expect(try list(harness, ["status": "done"], deleted: true) == ["Cid", "Bob"])
        #expect(try list(harness, ["status": "idle"], deleted: true) == ["Eve", "Ann"])
        #expect(try list(harness, ["result": "fail"], deleted: true) == ["Bob"])
        #expect(try list(harness, ["result": "fail"]) == [])
    }

    @Test(arguments: [
        ("status", "done or not"), ("result", "perhaps"), ("result_reason", "bored"), ("from", "yesterday"),
        ("to", "x"),
    ])
    func `a wrong filter names its parameter and what it may be`(_ name: String, _ value: String) throws {
        let harness = try people()
        let refusal = #expect(throws: Refusal.self) { try list(harness, [name: .string(value)]) }
        #expect(refusal?.message.hasPrefix("\(name) must be") == true)
        #expect(refusal?.status == .invalidArgument)
    }

    @Test func `outdials are filtered by name and by the campaign that they show`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        for (number, name) in [(40, "Spring"), (41, "spring 2")] as [(UInt64, String)] {
            harness.now = moment(Int(number))
            _ = try harness.request("outdial.create", ["id": .id(id(number)), "body": ["name": .string(name)]]).get()
        }
        _ = try harness.request("outdial.campaign_id", ["id": .id(id(41)), "body": ["campaign_id": .id(id(77))]])
        try harness.claim()
        func ids(_ filter: JSONObject) throws -> [ID] {
            try harness.read("outdial.list", ["filter": .object(filter)]).requireArray("result").compactMap {
                $0["id"].id
            }
        }
        #expect(try ids(["name": "pring"]) == [id(41), id(40)])
        #expect(try ids(["name": "Spring"]) == [id(40)])
        #expect(try ids(["campaign_id": .id(id(77))]) == [id(41)])
        #expect(try ids(["campaign_id": .id(OutdialHarness.campaign)]) == [OutdialHarness.outdial])
        #expect(try ids(["campaign_id": .id(id(4711))]) == [])
        #expect(throws: Refusal.self) { try ids(["campaign_id": "no id"]) }
    }

    // MARK: - Pages

    /// Each filter with what it selects, worked out beside SQL.
    private static let filters: [(JSONObject, @Sendable (Target) -> Bool)] = [
        ([:], { _ in true }),
        (["name": "7"], { $0.name.contains("7") }),
        (["status": "idle"], { $0.status == .idle }),
        (["status": "done"], { $0.status == .done }),
        (["result": "success"], { $0.result == "success" }),
        (["result_reason": "busy"], { $0.resultReason == "busy" }),
        (["name": "nobody"], { _ in false }),
        (
            ["from": "2026-01-01 00:00:02", "to": "2026-01-01 00:00:04"],
            { (moment(2)..<moment(4)).contains($0.createdAt) }
        ),
    ]

    @Test(
        "A11: no page loses or repeats a row, whatever comes between and whichever stamps are equal",
        arguments: 0..<40
    )
    func pagesAreWhole(_ seed: Int) throws {
        var generator = SplitMix(seed: UInt64(seed) &* 77 &+ 5)
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let (filter, selects) = Self.filters[seed % Self.filters.count]
        let includesDeleted = seed % 3 == 0
        try harness.fill(Int(generator.next() % 60), using: &generator)
        let existing = try harness.allTargets()
        let expected = existing.filter { selects($0) && (includesDeleted || $0.deletedAt == nil) }.map(\.id)
        var seen: [ID] = []
        var token: Int64?
        var pages = 0
        repeat {
            var params: JSONObject = [
                "outdial_id": .id(OutdialHarness.outdial), "filter": .object(filter),
                "page_size": .integer(Int(generator.next() % 7) + 1), "deleted": .bool(includesDeleted),
            ]
            if let token { params.append("page_token", .integer(token)) }
            let page = try harness.read("target.list", .object(params))
            seen += try page.requireArray("result").compactMap { $0["id"].id }
            token = page["next_page_token"].integer
            pages += 1
            // Rows that come now are newer than every page.
            harness.now = harness.now + 1000
            try harness.fill(Int(generator.next() % 5), using: &generator)
        } while token != nil && pages < 1000
        let known = Set(existing.map(\.id))
        let old = seen.filter { known.contains($0) }
        #expect(Set(old) == Set(expected), "seed \(seed)")
        #expect(Set(seen).count == seen.count, "seed \(seed): a row came twice")
        #expect(pages <= expected.count + 2, "seed \(seed)")
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func `a page that stops looking goes on behind the last row it looked at`(_ scanLimit: Int) throws {
        var generator = SplitMix(seed: 9)
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        try harness.fill(50, using: &generator)
        let expected = try harness.allTargets().filter { $0.name.contains("3") && $0.deletedAt == nil }.map(\.id)
        var filter = ListFilter()
        filter.require(name: "3", in: "name")
        var (seen, token): ([ID], Timestamp?) = ([], nil)
        repeat {
            let page = try harness.reader.read { db in
                try Page(
                    of: OutdialTables.targets,
                    where: "outdial_id = ?",
                    [OutdialHarness.outdial],
                    filter: filter,
                    scanLimit: scanLimit,
                    PageRequest(size: 4, token: token),
                    in: db
                )
            }
            seen += page.rows.map(\.id)
            if let next = page.next, let token { #expect(next < token, "the token must go back") }
            token = page.next
        } while token != nil
        #expect(Set(seen) == Set(expected))
        #expect(seen.count == expected.count)
    }

    @Test func `the last page has no token`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        for index in 0..<4 {
            harness.now = moment(index)
            try harness.addTarget("+1555000000\(index)")
        }
        let page = try harness.read("target.list", ["outdial_id": .id(OutdialHarness.outdial), "page_size": 4])
        #expect(page["next_page_token"].isNull)
        #expect(page["result"].array?.count == 4)
    }

    @Test("A12: deleted objects are in lists only when they are asked for") func deletedAreHidden() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        _ = try harness.request("outdial.delete", ["id": .id(OutdialHarness.outdial)]).get()
        #expect(try harness.read("outdial.list", [:])["result"].array?.count == 0)
        #expect(try harness.read("outdial.list", ["deleted": true])["result"].array?.count == 1)
    }

    @Test("D3: the next target is found by one search of an index, in any list") func selectionUsesItsIndex() throws {
        let harness = try OutdialHarness()
        let plan = try harness.reader.read { db in
            try Row.fetchAll(
                db,
                sql: "EXPLAIN QUERY PLAN SELECT id FROM target \(TargetSelection.step)",
                arguments: [id(2), 5, 0, moment(0), 1]
            ).map { $0["detail"] as String }
        }
        #expect(plan.count == 1)
        #expect(plan.first?.contains("SEARCH target USING INDEX target_selection") == true, "\(plan)")
    }

    @Test("D4: a target that waits for its interval never stands before a fresh one") func nobodyWaitsInLine() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        try harness.addTarget("+15550000001")
        try harness.claim()
        try harness.finish(try harness.lease(1).leases[0], .busy)
        let fresh = try harness.addTarget("+15550000002")
        #expect(try harness.lease(1).leases.map(\.target) == [fresh])
    }

    @Test("C1: two leases never give one target twice") func leasesAreExclusive() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        for index in 0..<9 { try harness.addTarget("+1555000000\(index)") }
        try harness.claim()
        let all = try harness.lease(5).leases + harness.lease(5).leases
        #expect(Set(all.map(\.target)).count == 9)
        let other = try harness.claim(run: 1, campaign: id(6))
        #expect(throws: Refusal.self) { try other.get() }
    }

    @Test("B6: a number that nobody can dial uses its tries and stops nothing") func poisonStopsNothing() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let plan = DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 1000)
        let poison = try harness.addTarget("+15550000001")
        let good = try harness.addTarget("+15550000002")
        try harness.claim(plan: plan)
        let leases = try harness.lease(2).leases
        try harness.finish(leases[0], .failed)
        try harness.finish(leases[1], .normal)
        #expect(try harness.target(poison)?.resultReason == "failed")
        #expect(try harness.target(good)?.result == "success")
    }

    // MARK: - Results

    @Test func `results go through a list once, in the order of creation, however the stamps fall`() throws {
        var generator = SplitMix(seed: 21)
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        try harness.fill(60, using: &generator)
        let expected = try harness.allTargets().filter { $0.deletedAt == nil }.sorted { $0.createdAt < $1.createdAt }
        var (rows, after): ([JSONValue], JSONValue) = ([], 0)
        repeat {
            let params: JSONValue = ["outdial_id": .id(OutdialHarness.outdial), "after": after, "limit": 7]
            let page = try harness.read("target.results", params)
            rows += try page.requireArray("rows")
            after = page["next"]
        } while !after.isNull
        #expect(rows.map { $0["id"].id }.count == expected.count)
        #expect(Set(rows.compactMap { $0["id"].id }) == Set(expected.map(\.id)))
        let tried = try #require(rows.first { $0["tries"].integer == 1 })
        #expect(["busy", "normal"].contains(tried["result_reason"].string))
        #expect(tried["destination"]["target"].string?.hasPrefix("+1") == true)
    }

    @Test func `a rehearsal counts every target once`() throws {
        let harness = try people()
        let plan = DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 60_000)
        let params: JSONValue = ["outdial_id": .id(OutdialHarness.outdial), "plan": plan.json]
        let answer = try harness.read("outdial.rehearse", params)
        #expect(answer["targets"].integer == 5)
        #expect(answer["now"].integer == 2)
        #expect(answer["later"].integer == 1)
        #expect(answer["never"].integer == 2)
        #expect(answer["campaign_id"].id == OutdialHarness.campaign)
    }
}
