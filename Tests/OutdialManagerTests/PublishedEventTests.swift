import Contracts
import EventLog
import GRDB
import OutdialManager
import Service
import TestSupport
import Testing

/// What other programs are told of outdial-manager's log.
@Suite struct PublishedEventTests {
    private func events(_ harness: OutdialHarness) throws -> [JSONValue] {
        let translator = EventTranslator(source: "outdial-manager", categories: outdialManagerEvents)
        return try LogReader(path: harness.file.path).read { db in
            try RecordedEvent.fetch("ORDER BY position", [], in: db).compactMap { event in
                guard let told = try translator.publicEvent(of: event, in: db) else { return nil }
                var bytes: [UInt8] = []
                told.write(into: &bytes)
                return try JSONValue(parsing: bytes)
            }
        }
    }

    /// One target is reached at the second try, one is deleted, and so is the list.
    private func wholeLife() throws -> OutdialHarness {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        _ = try harness.request("outdial.update", ["id": .id(OutdialHarness.outdial), "body": ["name": "people"]]).get()
        try harness.addTarget()
        let second = try harness.addTarget("+15550000002", priority: 6)
        try harness.claim()
        harness.now = moment(10)
        let first = try #require(try harness.lease(1).leases.first)
        harness.now = moment(20)
        try harness.finish(first, .busy)
        harness.now = moment(100)
        let again = try #require(try harness.lease(1).leases.first)
        harness.now = moment(110)
        try harness.finish(again, .normal)
        _ = try harness.request(
            "target.delete",
            ["outdial_id": .id(OutdialHarness.outdial), "id": .id(second)]
        ).get()
        try harness.tell(
            .claimReleased(outdial: OutdialHarness.outdial, campaign: OutdialHarness.campaign, run: 1)
        )
        _ = try harness.request("outdial.delete", ["id": .id(OutdialHarness.outdial)]).get()
        return harness
    }

    @Test func aWholeLifeIsToldStepByStep() throws {
        let events = try events(wholeLife())
        let lists = events.filter { $0["subject"].id == OutdialHarness.outdial }
        #expect(
            lists.map { $0["type"].string } == [
                "outdial_created", "outdial_updated", "outdial_updated", "outdial_updated", "outdial_deleted",
            ]
        )
        #expect(
            lists.map { $0["data"]["campaign_id"].id }
                == [ID.none, ID.none, OutdialHarness.campaign, ID.none, ID.none]
        )
        let targets = events.filter { $0["subject"].id != OutdialHarness.outdial }
        let reached = targets.filter { $0["subject"] == targets[0]["subject"] }
        #expect(
            reached.map { $0["type"].string }
                == ["outdialtarget_created"] + Array(repeating: "outdialtarget_updated", count: reached.count - 1)
        )
        #expect(targets.contains { $0["type"].string == "outdialtarget_deleted" })
        let statuses = targets.map { "\($0["data"]["status"].string ?? "") \($0["data"]["result"].string ?? "")" }
        #expect(statuses.contains("done success"))
        #expect(targets.allSatisfy { $0["data"]["customer_id"].id == OutdialHarness.customer })
        #expect(targets.contains { $0["data"]["next_try_at"].string?.hasSuffix("Z") ?? false })
    }

    @Test func everyEventHoldsToItsSchema() async throws {
        for event in try events(wholeLife()) {
            let type = try #require(event["type"].string)
            let problems = try await SchemaChecker.shared.problems(of: event, by: "events/\(type).json")
            #expect(problems.isEmpty, "\(problems) in \(event.text)")
        }
    }

    @Test func everyTypeThatCanBeToldHasASchema() throws {
        let written = Set(try SchemaFiles.names(in: "events"))
        let missing = outdialManagerEvents.flatMap(\.possibleTypes).filter { !written.contains($0) }
        #expect(missing.isEmpty, "write schemas/events/\(missing).json and name them in schemas/asyncapi.yaml")
    }

    @Test func nothingInsideLeavesTheLog() throws {
        for event in try events(wholeLife()) {
            #expect(Secrets.found(in: event).isEmpty)
            for name in ["lease", "claim", "plan", "waiting_since"] { #expect(event["data"][name] == .null) }
        }
    }
}
