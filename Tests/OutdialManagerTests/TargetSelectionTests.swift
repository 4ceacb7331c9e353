import Contracts
import EventLog
import GRDB
import OutdialDomain
import OutdialManager
import TestSupport
import Testing

@Suite struct TargetSelectionTests {
    @Test func `a step of the selection is one index search without sorting`() throws {
        let harness = try OutdialHarness()
        let plan = try LogReader(path: harness.file.path).read { db in
            try Row.fetchAll(
                db,
                sql: "EXPLAIN QUERY PLAN SELECT id, version, state FROM target \(TargetSelection.step)",
                arguments: [OutdialHarness.outdial, 5, 0, harness.now, 1]
            ).map { $0["detail"] as String }
        }
        #expect(
            plan == [
                "SEARCH target USING INDEX target_selection (outdial_id=? AND priority=? AND tried=? AND due_at<?)"
            ]
        )
    }

    /// Rows only, without their events: what is measured is the search.
    private func fill(_ harness: OutdialHarness, outdial: ID, count: Int, due: String = "i") throws {
        _ = try harness.file.perform(now: harness.now, ids: &harness.ids) { turn in
            try turn.database.execute(
                sql: """
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
                    INSERT INTO target(id, version, state, outdial_id, bucket, selectable, priority, tried, due_at,
                        first_destination, created_at, is_deleted)
                    SELECT randomblob(16), 1, iif(i < 100, ?, '{}'), ?, 'idle', 1, 5, i % 3 = 0, \(due), '+1555' || i, i, 0 FROM n
                    """,
                arguments: [count, try stored(outdial), outdial]
            )
        }
    }

    private func stored(_ outdial: ID) throws -> String {
        let event = TargetEvent.created(
            TargetDraft(destinations: [tel("+15550000001")]),
            id: id(1),
            outdial: outdial,
            customer: id(3),
            at: moment(0)
        )
        return try #require(given(Target.self, [event])).json.text
    }

    @Test func `selecting from a million costs at most 1.5 times as much as from a thousand`() throws {
        let harness = try OutdialHarness()
        let (small, large) = (id(21), id(22))
        try fill(harness, outdial: small, count: 1000)
        try fill(harness, outdial: large, count: 1_000_000)
        try compare(harness, small, large, now: Timestamp(microseconds: Int64.max))
    }

    /// At night a whole list waits for the morning; those that may be called now are found as if it were not there.
    @Test func selectingBesideAMillionDeferredTargetsCostsTheSame() throws {
        let harness = try OutdialHarness()
        let (small, large) = (id(21), id(22))
        let morning = 1_000_000_000
        try fill(harness, outdial: small, count: 1000)
        try fill(harness, outdial: large, count: 1_001_000, due: "iif(i <= 1000, i, \(morning) + i)")
        try compare(harness, small, large, now: Timestamp(microseconds: Int64(morning)))
        let reader = try LogReader(path: harness.file.path)
        let next = try reader.read { try TargetSelection.nextDue(in: large, $0) }
        #expect(next == Timestamp(microseconds: 1))
    }

    private func compare(_ harness: OutdialHarness, _ small: ID, _ large: ID, now: Timestamp) throws {
        let reader = try LogReader(path: harness.file.path)
        func measure(_ outdial: ID) throws -> Duration {
            try reader.read { db in
                try ContinuousClock().measure {
                    for _ in 0..<20 { _ = try TargetSelection.due(in: outdial, now: now, limit: 1, db) }
                }
            }
        }
        var (smallTimes, largeTimes): ([Duration], [Duration]) = ([], [])
        for _ in 0..<31 {
            smallTimes.append(try measure(small))
            largeTimes.append(try measure(large))
        }
        let (smallMedian, largeMedian) = (smallTimes.sorted()[15], largeTimes.sorted()[15])
        print("selection median of 20: \(smallMedian) in 1,000 targets, \(largeMedian) in 1,000,000")
        #expect(largeMedian <= smallMedian * 1.5)
    }
}
