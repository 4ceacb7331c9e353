import Contracts
import EventLog
import GRDB
import Glibc
import Testing

@Suite struct RebuildTests {
    let scratch = Scratch()
    let ids = (1...40).map { ID(high: UInt64($0) << 32, low: 5) }
    /// Beside the aggregates: a table that a trigger keeps, and one that nothing recomputes.
    let schema =
        tallies.schema + [
            "CREATE TABLE tally_count(owner TEXT PRIMARY KEY, tallies INTEGER NOT NULL) STRICT, WITHOUT ROWID",
            """
            CREATE TRIGGER tally_counted AFTER INSERT ON tally BEGIN
                INSERT INTO tally_count VALUES (NEW.owner, 1) ON CONFLICT DO UPDATE SET tallies = tallies + 1;
            END
            """,
            "CREATE TABLE seen(name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        ]

    private var target: String { scratch.path + "/new.db" }

    private func fill() throws {
        let log = try EventLogFile.open(path: scratch.log, schema: schema)
        try log.turn { turn throws in
            for (index, id) in ids.enumerated() {
                let row = try tallies.record(
                    [.opened(owner: "owner-\(index % 4)"), .added(1)],
                    on: id,
                    current: nil,
                    context: context,
                    in: turn
                )
                _ = try tallies.record([.added(Int64(index))], on: id, current: row, context: context, in: turn)
            }
            try turn.database.execute(sql: "INSERT INTO seen VALUES ('a', 7)")
            try turn.armTimer(kind: "k", key: "1", at: start + 5)
            try turn.setCursor("publisher", 3)
            #expect(try turn.admit(ID(high: 1, low: 1), consumer: "c"))
        }
        try log.close()
    }

    private func rebuild() throws -> LogReport {
        try LogRebuild.run(source: scratch.log, into: target, schema: schema, projections: [tallies])
    }

    private func dump(_ path: String) -> String {
        let dump = path + ".dump"
        #expect(run("sh", "-c", "sqlite3 '\(path)' .dump > '\(dump)'") == 0)
        return contents(dump)
    }

    @Test func aGoodLogIsRebuiltAsItIs() throws {
        try fill()
        let before = contents(scratch.log).hashValue
        let report = try rebuild()
        #expect(report.violations == [])
        #expect(report.events == 120)
        #expect(contents(scratch.log).hashValue == before)
        #expect(dump(target).split(separator: "\n").sorted() == dump(scratch.log).split(separator: "\n").sorted())
        var status = stat()
        #expect(stat(target, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    /// The new file is a log like any other: verified, opened and written on.
    @Test func aDamagedProjectionIsReplaced() throws {
        try fill()
        try scratch.edit(
            scratch.log,
            "UPDATE tally SET total = 99, state = '{}' WHERE id = (SELECT id FROM tally LIMIT 1)"
        )
        try scratch.edit(scratch.log, "DELETE FROM tally WHERE owner = 'owner-2'")
        try scratch.edit(scratch.log, "INSERT INTO tally VALUES (x'00000000000000000000000000000001', 1, '{}', 'x', 1)")
        let report = try rebuild()
        #expect(Set(report.violations.map(\.kind)) == ["projection"])
        #expect(report.violations.count { $0.message.hasSuffix("is missing") } == 10)
        #expect(report.violations.contains { $0.message.contains("\(ids[0])") && $0.message.contains("state differs") })
        #expect(report.violations.contains { $0.message.hasSuffix("has no events") })
        #expect(try LogVerifier.verify(path: target, projections: [tallies]).violations == [])
        let log = try EventLogFile.open(path: target)
        #expect(log.nextDue == start + 5)
        try log.turn { turn throws in
            let row = try #require(try tallies.load(ids[2], in: turn.database))
            _ = try tallies.record([.added(1)], on: ids[2], current: row, context: context, in: turn)
            #expect(try Int.fetchOne(turn.database, sql: "SELECT sum(tallies) FROM tally_count") == 40)
            #expect(try Int.fetchOne(turn.database, sql: "SELECT position FROM seen") == 7)
        }
        try log.close()
        #expect(try LogVerifier.verify(path: target, projections: [tallies]).violations == [])
    }

    /// A stream that was erased cannot be folded: its row is taken over, scrubbed or not.
    @Test func rowsOfErasedStreamsAreTakenOver() throws {
        try fill()
        let log = try EventLogFile.open(path: scratch.log)
        try log.turn { turn throws in
            let row = try #require(try tallies.load(ids[5], in: turn.database))
            _ = try tallies.record([.opened(owner: "-")], on: ids[5], current: row, context: context, in: turn)
            _ = try turn.eraseData(of: AggregateTable<Tally>.stream(of: ids[5]))
        }
        try log.close()
        #expect(try rebuild().violations == [])
        let row = try LogReader(path: target).read { try tallies.load(ids[5], in: $0) }
        #expect(row?.state.owner == "-")
        #expect(row?.version == 4)
    }

    @Test func aLogAfterAKillIsRebuilt() throws {
        let log = try EventLogFile.open(path: scratch.log, schema: schema)
        try log.fill(count: 500)
        let copy = scratch.copyLog(to: "copy.db")
        let report = try LogRebuild.run(source: copy, into: target, schema: schema, projections: [tallies])
        #expect(report.violations == [])
        #expect(report.events == 500)
        var status = stat()
        #expect(stat(copy + "-wal", &status) == 0 && status.st_size > 0, "the source's WAL was touched")
    }

    /// Its rows are right; that the chain is broken is for `verify` to say, of the new file as well.
    @Test func theChainIsCopiedAsItIs() throws {
        try fill()
        try scratch.edit(scratch.log, "UPDATE event SET actor = 'x' WHERE position = 12")
        let report = try rebuild()
        #expect(report.violations == [])
        #expect(report.chainIsIntact == nil)
        let verified = try LogVerifier.verify(path: target, projections: [tallies])
        #expect(verified.violations.map { "\($0.position) \($0.kind)" } == ["12 chain"])
    }

    /// Such a file cannot be copied page by page.
    @Test func aDamagedIndexAndAMissingOneAreReplaced() throws {
        try fill()
        let page = try #require(
            try DatabaseQueue(path: scratch.log).read {
                try Int.fetchOne($0, sql: "SELECT rootpage FROM sqlite_schema WHERE name = 'tally_owner'")
            }
        )
        try scratch.edit(scratch.log, "DROP INDEX event_correlation")
        let missing = try rebuild()
        #expect(missing.violations == [])
        #expect(try LogVerifier.verify(path: target, projections: [tallies]).violations == [])
        unlink(target)
        let offset = (page - 1) * DatabasePages.size
        #expect(
            run("sh", "-c", "printf '\\377\\377' | dd of='\(scratch.log)' bs=1 seek=\(offset) conv=notrunc status=none")
                == 0
        )
        #expect(try LogVerifier.verify(path: scratch.log, projections: [tallies]).violations != [])
        let damaged = try rebuild()
        #expect(damaged.violations == [])
        #expect(try LogVerifier.verify(path: target, projections: [tallies]).violations == [])
    }

    /// Enough rows for several pieces, with the tables that triggers keep.
    @Test func aLargeLogIsRebuiltInPieces() throws {
        let log = try EventLogFile.open(path: scratch.log, schema: schema)
        try log.turn { turn throws in
            for number in 1...45_000 as ClosedRange<UInt64> {
                let id = ID(high: number << 16, low: number)
                _ = try tallies.record([.opened(owner: "o")], on: id, current: nil, context: context, in: turn)
            }
        }
        try log.close()
        #expect(try rebuild().violations == [])
        #expect(try LogVerifier.verify(path: target, projections: [tallies]).violations == [])
        let count = try LogReader(path: target).read { try Int.fetchOne($0, sql: "SELECT tallies FROM tally_count") }
        #expect(count == 45_000)
    }

    @Test func nothingIsOverwrittenAndNothingIsLeftBehind() throws {
        try fill()
        run("sh", "-c", "echo mine > '\(target)'")
        #expect(throws: EventLogError.self) { try rebuild() }
        #expect(contents(target) == "mine\n")
        unlink(target)
        #expect(try rebuild().violations == [])
        run("sh", "-c", "cd '\(scratch.path)' && ls > files")
        let files = Set(contents(scratch.path + "/files").split(separator: "\n").map(String.init))
        #expect(!files.contains { $0.hasPrefix("new.db.") || $0 == "new.db-wal" })
    }
}
