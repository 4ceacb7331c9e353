import Contracts
import EventLog
import GRDB
import Testing

@Suite struct LogVerifierTests {
    let scratch = Scratch()

    /// A log of 30 events in three streams, closed, so that all of it is marked as verified.
    private func closedLog() throws {
        let log = try EventLogFile.open(path: scratch.log)
        for turn in 0..<3 { try log.fill("note-\(turn)", from: UInt64(turn * 10), count: 10) }
        try log.close()
    }

    private func verify(_ path: String? = nil) throws -> LogReport {
        try LogVerifier.verify(path: path ?? scratch.log, projections: [])
    }

    @Test func aGoodLogHasNoViolations() throws {
        try closedLog()
        let report = try verify()
        #expect(
            report
                == {
                    var good = LogReport(file: scratch.log)
                    good.events = 30
                    return good
                }()
        )
    }

    @Test func aLiveLogIsVerified() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.fill(count: 30)
        #expect(try verify().events == 30)
        #expect(try verify().violations == [])
    }

    @Test(arguments: [
        "data = CAST('{\"n\":9}' AS BLOB)", "salt = zeroblob(16)", "data_hash = zeroblob(32)", "chain = zeroblob(32)",
        "type = 'other'", "schema = 2", "actor = 'somebody'", "recorded_at = recorded_at + 1", "causation_id = NULL",
        "correlation_id = zeroblob(16)", "event_id = zeroblob(16)", "stream = 'note-9'", "version = 99", "data = NULL",
    ])
    func anyEditIsFound(_ edit: String) throws {
        try closedLog()
        try scratch.edit(scratch.log, "UPDATE event SET \(edit) WHERE position = 14")
        let report = try verify()
        #expect(report.chainIsIntact == false)
        #expect(report.violations.contains { $0.kind == "chain" && $0.position == 14 })
    }

    @Test func aDeletedEventIsFound() throws {
        try closedLog()
        try scratch.edit(scratch.log, "DELETE FROM event WHERE position = 14")
        let report = try verify()
        #expect(report.events == 29)
        #expect(report.chainIsIntact == false)
        #expect(report.violations.map { "\($0.position) \($0.kind)" } == ["14 position", "15 version"])
    }

    @Test func aCutTailIsFound() throws {
        try closedLog()
        try scratch.edit(scratch.log, "DELETE FROM event WHERE position > 25")
        let report = try verify()
        #expect(report.chainIsIntact == false)
        #expect(report.violations.map { "\($0.position) \($0.kind)" } == ["30 position"])
        do {
            _ = try EventLogFile.open(path: scratch.log)
            Issue.record("a log with a cut tail was opened")
        } catch let error as EventLogError {
            #expect(error.code == .corrupt)
            #expect(error.message.contains("position 30"))
        }
    }

    @Test func openingRefusesADamagedTail() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.fill(count: 20)
        let copy = scratch.copyLog(to: "copy.db")
        try scratch.edit(copy, "UPDATE event SET actor = 'x' WHERE position = 12")
        do {
            _ = try EventLogFile.open(path: copy)
            Issue.record("a damaged log was opened")
        } catch let error as EventLogError {
            #expect(error.code == .corrupt)
            #expect(error.message.contains("position 12"))
        }
    }

    @Test func openingChecksOnlyWhatIsNew() throws {
        try closedLog()
        try scratch.edit(scratch.log, "UPDATE event SET actor = 'x' WHERE position = 12")
        let log = try EventLogFile.open(path: scratch.log)
        #expect(log.head == 30)
        #expect(try verify().violations.map(\.position) == [12])
    }

    @Test func erasedDataKeepsTheChain() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.fill("note-0", from: 0, count: 10)
        try log.fill("note-1", from: 10, count: 10)
        #expect(try log.turn { try $0.eraseData(of: "note-0") } == 10)
        try log.close()
        let report = try verify()
        #expect(report.chainIsIntact == true)
        #expect(report.violations == [])
        let events = try LogReader(path: scratch.log).events(after: 0, limit: 20)
        #expect(events.filter { $0.data == nil }.map(\.position) == Array(1...10))
        try EventLogFile.open(path: scratch.log).close()
    }

    @Test func aCursorAheadOfTheLogIsFound() throws {
        try closedLog()
        try scratch.edit(scratch.log, "INSERT INTO cursor VALUES ('publisher', 31)")
        #expect(try verify().violations.map { "\($0.position) \($0.kind)" } == ["31 invariant"])
    }

    @Test func theMarkMovesWhileTheLogIsOpen() throws {
        let log = try EventLogFile.open(path: scratch.log)
        for batch in 0..<41 { try log.fill("note-\(batch)", from: UInt64(batch * 500), count: 500) }
        let mark = try LogReader(path: scratch.log).read {
            try Int.fetchOne($0, sql: "SELECT value FROM meta WHERE name = 'verified_position'")
        }
        #expect(mark == 20_000)
        #expect(try verify().violations == [])
    }
}
