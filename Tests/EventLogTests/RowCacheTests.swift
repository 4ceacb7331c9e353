import Contracts
import EventLog
import GRDB
import Testing

/// Rows are written once a turn, and nobody who asks can tell.
@Suite struct RowCacheTests {
    let scratch = Scratch()
    let id = ID(high: 7, low: 7)

    private func open() throws -> EventLogFile { try EventLogFile.open(path: scratch.log, schema: tallies.schema) }

    private func add(_ amount: Int64, _ turn: Turn) throws {
        let current = try tallies.load(id, in: turn)
        let events: [Tally.Event] = current == nil ? [.opened(owner: "o"), .added(amount)] : [.added(amount)]
        _ = try tallies.record(events, on: id, current: current, context: context, in: turn)
    }

    @Test func aQueryInTheTurnSeesWhatItHasRecorded() throws {
        let log = try open()
        try log.turn { turn throws in
            for expected in 1...3 as ClosedRange<Int64> {
                try add(1, turn)
                let total = try Int64.fetchOne(turn.database, sql: "SELECT total FROM tally WHERE owner = 'o'")
                #expect(total == expected)
                #expect(try tallies.load(id, in: turn.database)?.state.total == expected)
                #expect(try tallies.load(id, in: turn)?.state.total == expected)
            }
        }
        try log.close()
        #expect(try LogVerifier.verify(path: scratch.log, projections: [tallies]).violations == [])
    }

    @Test func manyChangesOfOneTurnAreOneRow() throws {
        let log = try open()
        try log.turn { turn throws in
            try turn.database.execute(
                sql: """
                    CREATE TEMP TABLE written(id);
                    CREATE TEMP TRIGGER inserted AFTER INSERT ON tally BEGIN INSERT INTO written VALUES (NEW.id); END;
                    CREATE TEMP TRIGGER updated AFTER UPDATE ON tally BEGIN INSERT INTO written VALUES (NEW.id); END;
                    """
            )
        }
        try log.turn { turn throws in for _ in 0..<10 { try add(1, turn) } }
        try log.turn { turn throws in for _ in 0..<10 { try add(1, turn) } }
        try log.turn { turn throws in
            #expect(try Int.fetchOne(turn.database, sql: "SELECT count(*) FROM written") == 2)
            #expect(try tallies.load(id, in: turn)?.state.total == 20)
        }
        try log.close()
        #expect(try LogVerifier.verify(path: scratch.log, projections: [tallies]).violations == [])
    }

    @Test func aFailedTurnLeavesNothingBehind() throws {
        struct Stopped: Error {}
        let log = try open()
        try log.turn { turn throws in try add(5, turn) }
        #expect(throws: Stopped.self) {
            try log.turn { turn throws in
                try add(100, turn)
                try turn.armTimer(kind: "k", key: "a", at: start)
                throw Stopped()
            }
        }
        try log.turn { turn throws in
            #expect(try tallies.load(id, in: turn)?.state.total == 5)
            try add(1, turn)
        }
        #expect(log.nextDue == nil)
        try log.close()
        #expect(try LogVerifier.verify(path: scratch.log, projections: [tallies]).violations == [])
    }

    /// More rows than are kept: the forgotten ones are read again, and all of them are right.
    @Test func moreRowsThanAreKept() throws {
        let log = try open()
        let ids = (1...9000).map { ID(high: 1, low: UInt64($0)) }
        try log.turn { turn throws in
            for id in ids {
                _ = try tallies.record([.opened(owner: "o")], on: id, current: nil, context: context, in: turn)
            }
        }
        for round in 1...2 as ClosedRange<Int64> {
            try log.turn { turn throws in
                for id in ids {
                    let current = try #require(try tallies.load(id, in: turn))
                    #expect(current.version == round)
                    _ = try tallies.record([.added(1)], on: id, current: current, context: context, in: turn)
                }
            }
        }
        try log.close()
        #expect(try LogVerifier.verify(path: scratch.log, projections: [tallies]).violations == [])
    }

    @Test func theLastWordOnATimerOfATurnHolds() throws {
        let log = try open()
        try log.turn { turn throws in
            try turn.armTimer(kind: "k", key: "cancelled", at: start + 1)
            try turn.cancelTimer(kind: "k", key: "cancelled")
            try turn.armTimer(kind: "k", key: "moved", at: start + 1)
            try turn.armTimer(kind: "k", key: "moved", at: start + 5)
            try turn.cancelTimer(kind: "k", key: "back")
            try turn.armTimer(kind: "k", key: "back", at: start + 9)
            #expect(try Int.fetchOne(turn.database, sql: "SELECT count(*) FROM timer") == 2)
            try turn.armTimer(kind: "k", key: "late", at: start + 12)
        }
        #expect(log.nextDue == start + 5)
        try log.turn(at: start + 20, dueUpTo: start + 20) { turn throws in
            #expect(turn.dueTimers.map(\.key) == ["moved", "back", "late"])
        }
        #expect(log.nextDue == nil)
        try log.close()
    }
}
