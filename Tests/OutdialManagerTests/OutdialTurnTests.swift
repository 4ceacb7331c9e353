import Contracts
import EventLog
import GRDB
import OutdialDomain
import OutdialManager
import TestSupport
import Testing

@Suite struct OutdialTurnTests {
    @Test func `priority comes first, then never tried before retries, then longest waiting`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let retried = try harness.addTarget("+15550000001")
        let fresh = try harness.addTarget("+15550000002")
        let urgent = try harness.addTarget("+15550000003", priority: 0)
        try harness.claim()
        let first = try harness.lease(2).leases
        try #require(first.map(\.target) == [urgent, retried])
        try harness.finish(first[1], .busy)
        harness.now = moment(120)
        let younger = try harness.addTarget("+15550000004")
        #expect(try harness.lease(10).leases.map(\.target) == [fresh, younger, retried])
        #expect(try harness.verify() == [])
    }

    @Test func `whether the list is exhausted is answered again when the answer was lost`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        try harness.claim()
        let request = ID(high: 3, low: 3)
        #expect(try harness.lease(0, request: request).isExhausted)
        #expect(try harness.lease(0, request: request).isExhausted)
    }

    @Test func `a waiting target never blocks a fresh one, and is told of when it is due`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let first = try harness.addTarget()
        try harness.claim()
        try harness.finish(try harness.lease(1).leases[0], .busy)
        let fresh = try harness.addTarget("+15550000002")
        #expect(try harness.lease(5).leases.map(\.target) == [fresh])
        harness.now = moment(59)
        try harness.perform([])
        #expect(try harness.types().contains("outdial_ready") == false)
        harness.now = moment(60)
        try harness.perform([])
        #expect(try harness.types().last == "outdial_ready")
        let again = try harness.lease(5).leases
        #expect(again.map(\.target) == [first])
        #expect(again[0].tryCount == 2)
    }

    @Test func `the same request gets the same leases`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        for number in 1...5 { try harness.addTarget("+1555000000\(number)") }
        try harness.claim()
        let once = try harness.lease(3, request: id(77)).leases
        #expect(try harness.lease(3, request: id(77)).leases == once)
        #expect(once.count == 3)
        #expect(try harness.lease(9).leases.count == 2)
    }

    @Test func `a wish is answered when a target is added`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        try harness.claim()
        let (leases, isExhausted) = try harness.lease(3)
        #expect(leases.isEmpty)
        #expect(isExhausted)
        try harness.addTarget()
        #expect(try harness.types().suffix(2) == ["target_created", "outdial_ready"])
        #expect(try harness.lease(3).leases.count == 1)
    }

    @Test func `exhausted is said when the last attempt ends without a try left`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget()
        try harness.claim()
        for second in [0, 60] {
            harness.now = moment(second)
            try harness.finish(try harness.lease(1).leases[0], .noAnswer)
        }
        #expect(try harness.types().last == "outdial_exhausted")
        #expect(try harness.target(target)?.status == .done)
        #expect(try harness.target(target)?.resultReason == "no_answer")
        #expect(try harness.verify() == [])
    }

    @Test func `hearing an end twice changes nothing, also under another message id`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget()
        try harness.claim()
        let lease = try harness.lease(1).leases[0]
        try harness.finish(lease, .normal)
        let before = try harness.target(target)
        try harness.finish(lease, .busy)
        #expect(try harness.target(target) == before)
    }

    @Test func `only the run that holds the claim leases, and a release leaves its leases open`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget()
        try harness.claim(run: 1)
        #expect(throws: Refusal.self) { try harness.lease(1, run: 2) }
        let lease = try #require(try harness.lease(1).leases.first)
        try harness.tell(.claimReleased(outdial: OutdialHarness.outdial, campaign: OutdialHarness.campaign, run: 1))
        // The end of the attempt may be under way still, and it is the end that counts.
        #expect(try harness.target(target)?.status == .progressing)
        let reads = OutdialReads(log: try LogReader(path: harness.file.path), clock: { moment(0) })
        let asked = Request(
            method: "outdial.claims",
            customerID: .none,
            actor: "test",
            correlation: id(1),
            params: [:]
        )
        let listed = try reads.answer(asked).get()["claims"].array?.first
        #expect(listed?["outdial_id"].id == OutdialHarness.outdial)
        #expect(listed?["campaign_id"].id == ID.none)
        try harness.finish(lease, .busy)
        let finished = try #require(try harness.target(target))
        #expect(finished.status == .idle)
        #expect(finished.tryCounts[0] == 1)
        guard case .result = try harness.claim(run: 1, campaign: id(6)) else {
            Issue.record("the outdial is still claimed")
            return
        }
        #expect(try harness.verify() == [])
    }

    @Test func `a changed plan applies to idle targets`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget()
        try harness.claim()
        let none = DialPlan(maximumTries: [0, 1, 0, 0, 0], tryInterval: 0)
        try harness.tell(
            .planChanged(outdial: OutdialHarness.outdial, campaign: OutdialHarness.campaign, run: 1, plan: none)
        )
        #expect(try harness.lease(1).leases.isEmpty)
        #expect(try harness.target(target)?.resultReason == "max_try_count")
    }

    @Test func `an import counts, rejects by line and column, skips duplicates, and can be repeated`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        func row(_ line: Int64, _ number: String) -> JSONValue {
            ["line": .integer(line), "id": .id(id(UInt64(1000 + line))), "values": ["destination_0": .string(number)]]
        }
        let rows: [JSONValue] = [
            row(2, "+15550000001"), row(3, "12345"), row(4, "+15550000001"), row(5, "+15550000002"),
        ]
        let params: JSONValue = [
            "outdial_id": .id(OutdialHarness.outdial), "duplicates": "skip", "rows": .array(rows),
        ]
        let answer = try harness.request("target.import", params).get()
        #expect(answer["imported"] == 2)
        #expect(answer["duplicates"] == 1)
        #expect(answer["rejected"] == 1)
        #expect(answer["errors"].array?.first?["line"] == 3)
        #expect(answer["errors"].array?.first?["column"] == "destination_0")
        #expect(answer["errors"].array?.first?["value_masked"] == "...2345")
        #expect(try harness.request("target.import", params).get()["imported"] == 2)
        let created = try harness.types().filter { $0 == "target_created" }
        #expect(created.count == 2)
    }

    @Test func `another customer's outdial does not exist`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        for method in ["outdial.update", "outdial.delete"] {
            let reply = try harness.request(method, ["id": .id(OutdialHarness.outdial), "body": [:]], customer: id(4))
            #expect(throws: Refusal.self) { try reply.get() }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `random work keeps the targets whole and the projections equal to their replay`(_ seed: UInt64) throws {
        let harness = try OutdialHarness()
        var random = RandomSource(seed: seed)
        try harness.makeOutdial()
        try harness.claim()
        var open: [Lease] = []
        var placed = 0
        for step in 0..<300 {
            harness.now = moment(step * 7)
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                try harness.addTarget("+1555000\(1000 + step)", priority: Int64.random(in: 0...9, using: &random))
            case 2: open += try harness.lease(Int64.random(in: 1...4, using: &random)).leases
            case 3 where !open.isEmpty:
                let lease = open.remove(at: Int.random(in: 0..<open.count, using: &random))
                let outcome =
                    [AttemptFinished.Outcome.placed, .placed, .notPlaced, .cancelled]
                    .randomElement(using: &random) ?? .placed
                let reason = [HangupReason.normal, .busy, .noAnswer].randomElement(using: &random) ?? .busy
                if outcome == .placed { placed += 1 }
                try harness.finish(lease, outcome == .placed ? reason : .notDialed, outcome)
            default: try harness.perform([])
            }
        }
        #expect(try harness.verify() == [], "seed \(seed)")
        let reader = try LogReader(path: harness.file.path)
        let (tries, progressing) = try reader.read { db in
            let targets = try OutdialTables.targets.fetch("", [], in: db).map(\.state)
            return (
                targets.reduce(0) { $0 + $1.tryCounts.reduce(0, +) }, targets.count { $0.status == .progressing }
            )
        }
        // Each open lease has raised a count; those given back have not.
        #expect(tries == placed + open.count, "seed \(seed)")
        #expect(progressing == open.count, "seed \(seed)")
    }
}
