import Contracts
import EventLog
import GRDB
import Testing

@Suite struct ProjectionUpgradeTests {
    /// What a later version makes of the same events: another column, another index, counts by a trigger.
    private static let later = AggregateTable<Tally>(
        columns: [
            .init("owner", .text) { $0.owner.databaseValue },
            .init("total", .integer) { $0.total.databaseValue },
            .init("is_rich", .integer) { ($0.total > 2).databaseValue },
        ],
        indexes: ["CREATE INDEX tally_owner ON tally(owner, is_rich)"]
    )
    private static let counts = [
        "CREATE TABLE owner_count(owner TEXT PRIMARY KEY, tallies INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        """
        CREATE TRIGGER owner_counted AFTER INSERT ON tally BEGIN
            INSERT INTO owner_count VALUES (NEW.owner, 1) ON CONFLICT DO UPDATE SET tallies = tallies + 1;
        END
        """,
    ]
    private static let laterSchema = later.schema + counts + ["CREATE TABLE note(text TEXT NOT NULL) STRICT"]

    private func id(_ number: UInt64) -> ID { ID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | number) }

    private func oldLog(_ scratch: Scratch) throws {
        let file = try EventLogFile.open(path: scratch.log, schema: tallies.schema, now: start)
        for number in 1...5 as ClosedRange<UInt64> {
            try file.turn { turn in
                _ = try tallies.record(
                    [.opened(owner: number < 3 ? "Ann" : "Bob"), .added(Int64(number))],
                    on: id(number),
                    current: nil,
                    context: context,
                    in: turn
                )
            }
        }
        try file.close()
    }

    private func openLater(_ scratch: Scratch) throws -> EventLogFile {
        try EventLogFile.open(
            path: scratch.log,
            schema: Self.laterSchema,
            projections: [Self.later],
            now: start
        )
    }

    private func schema(_ scratch: Scratch) throws -> Set<String> {
        try LogReader(path: scratch.log).read {
            try String.fetchSet($0, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
        }
    }

    @Test func `an existing log gets the columns, indexes, triggers and tables of a later version`() throws {
        let scratch = Scratch()
        try oldLog(scratch)
        let file = try openLater(scratch)
        #expect(try schema(scratch).isSuperset(of: Self.laterSchema))
        #expect(try schema(scratch).isDisjoint(with: tallies.schema))
        let rich = try LogReader(path: scratch.log).read { db in
            try String.fetchAll(db, sql: "SELECT owner FROM tally WHERE is_rich = 1 ORDER BY total")
        }
        #expect(rich == ["Bob", "Bob", "Bob"])
        let counts = try LogReader(path: scratch.log).read {
            try Int.fetchAll($0, sql: "SELECT tallies FROM owner_count ORDER BY owner")
        }
        #expect(counts == [2, 3])
        try file.turn { turn in
            let current = try Self.later.load(id(1), in: turn)
            _ = try Self.later.record([.added(9)], on: id(1), current: current, context: context, in: turn)
        }
        try file.close()
        #expect(try LogVerifier.verify(path: scratch.log, projections: [Self.later]).violations == [])
    }

    @Test func `a second opening changes nothing`() throws {
        let scratch = Scratch()
        try oldLog(scratch)
        try openLater(scratch).close()
        let before = try schema(scratch)
        try openLater(scratch).close()
        #expect(try schema(scratch) == before)
        #expect(try LogVerifier.verify(path: scratch.log, projections: [Self.later]).violations == [])
    }

    @Test func `rows of erased streams keep their state`() throws {
        let scratch = Scratch()
        try oldLog(scratch)
        let file = try EventLogFile.open(path: scratch.log, schema: tallies.schema, now: start)
        _ = try file.turn { try $0.eraseData(of: AggregateTable<Tally>.stream(of: id(4))) }
        try file.close()
        try openLater(scratch).close()
        let kept = try LogReader(path: scratch.log).read { try Self.later.load(id(4), in: $0) }
        #expect(kept?.state.total == 4)
        #expect(kept?.version == 2)
    }

    @Test func `another form of the state is recomputed`() throws {
        let scratch = Scratch()
        try oldLog(scratch)
        // What an earlier version had written.
        try scratch.edit(scratch.log, "UPDATE tally SET state = '{\"who\":1}'")
        let next = AggregateTable<Tally>(
            columns: tallies.columns,
            indexes: ["CREATE INDEX tally_owner ON tally(owner)"],
            form: 2
        )
        try EventLogFile.open(path: scratch.log, schema: next.schema, projections: [next], now: start).close()
        #expect(try LogVerifier.verify(path: scratch.log, projections: [next]).violations == [])
    }

    @Test func `a table that nobody recomputes is not touched, and the log not opened`() throws {
        let scratch = Scratch()
        try oldLog(scratch)
        let error = #expect(throws: EventLogError.self) {
            try EventLogFile.open(path: scratch.log, schema: Self.later.schema, now: start)
        }
        #expect(error?.message.contains("tally") == true)
        #expect(try schema(scratch).isSuperset(of: tallies.schema))
        try EventLogFile.open(path: scratch.log, schema: tallies.schema, now: start).close()
    }
}
