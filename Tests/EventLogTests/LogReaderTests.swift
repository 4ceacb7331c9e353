import Contracts
import EventLog
import GRDB
import Testing

@Suite struct LogReaderTests {
    let scratch = Scratch()

    @Test func readsBesideTheWriter() throws {
        let log = try EventLogFile.open(path: scratch.log)
        let reader = try LogReader(path: scratch.log)
        #expect(try reader.head() == 0)
        for turn in 0..<20 {
            try log.fill("note-\(turn % 3)", from: UInt64(turn * 10), count: 10)
            #expect(try reader.head() == Int64(turn * 10 + 10))
        }
        #expect(reader.logID == log.logID)
        #expect(try reader.events(of: "note-1").map(\.version) == Array(1...70))
        #expect(try reader.events(after: 195, limit: 100).map(\.position) == Array(196...200))
        #expect(try reader.events(correlation: context.correlation).count == 200)
        #expect(try reader.events(correlation: ID(high: 9, low: 9)).isEmpty)
        #expect(try reader.event(id: ID(high: 7, low: 42))?.position == 43)
        #expect(try reader.event(id: ID(high: 8, low: 42)) == nil)
    }

    @Test func aReadSeesOneMoment() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.fill(count: 1)
        let reader = try LogReader(path: scratch.log)
        try reader.read { db throws in
            let before = try Int.fetchOne(db, sql: "SELECT count(*) FROM event")
            try log.fill(from: 50, count: 1)
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM event") == before)
        }
        #expect(try reader.head() == 2)
    }

    @Test func walksInPagesAndStops() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.fill(count: 2500)
        let reader = try LogReader(path: scratch.log)
        var seen: [Int64] = []
        try reader.forEachEvent {
            seen.append($0.position)
            return true
        }
        #expect(seen == Array(1...2500))
        seen = []
        try reader.forEachEvent(after: 10, upTo: 20) {
            seen.append($0.position)
            return seen.count < 5
        }
        #expect(seen == Array(11...15))
    }

    @Test func writesNothing() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.fill(count: 1)
        let reader = try LogReader(path: scratch.log)
        #expect(throws: EventLogError.self) { try reader.read { try $0.execute(sql: "DELETE FROM event") } }
        #expect(try reader.head() == 1)
    }

    @Test func readsAClosedLogAndACopy() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.fill(count: 3)
        let copy = scratch.copyLog(to: "copy.db")
        #expect(try LogReader(path: copy).head() == 3)
        try log.close()
        #expect(try LogReader(path: scratch.log).head() == 3)
    }
}
