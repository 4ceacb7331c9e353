import Contracts
import EventLog
import Testing

@Suite struct TimerTests {
    let scratch = Scratch()

    private func due(_ log: EventLogFile, at now: Timestamp) throws -> [String] {
        try log.turn(at: now, dueUpTo: now) { $0.dueTimers.map { "\($0.kind) \($0.key)" } }
    }

    @Test func aTimerFiresOncePerArming() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.turn { turn throws in
            try turn.armTimer(kind: "retry", key: "b", at: start + 20)
            try turn.armTimer(kind: "retry", key: "a", at: start + 10)
        }
        #expect(log.nextDue == start + 10)
        #expect(try due(log, at: start + 9) == [])
        #expect(try due(log, at: start + 10) == ["retry a"])
        #expect(try due(log, at: start + 10) == [])
        #expect(log.nextDue == start + 20)
        #expect(try due(log, at: start + 500) == ["retry b"])
        #expect(log.nextDue == nil)
        try log.turn { try $0.armTimer(kind: "retry", key: "a", at: start + 600) }
        #expect(try due(log, at: start + 600) == ["retry a"])
    }

    @Test func armingAgainReplacesAndCancellingForgets() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.turn { turn throws in
            try turn.armTimer(kind: "k", key: "moved", at: start + 10)
            try turn.armTimer(kind: "k", key: "moved", at: start + 50)
            try turn.armTimer(kind: "k", key: "cancelled", at: start + 10)
        }
        try log.turn { try $0.cancelTimer(kind: "k", key: "cancelled") }
        #expect(log.nextDue == start + 50)
        #expect(try due(log, at: start + 49) == [])
        #expect(try due(log, at: start + 50) == ["k moved"])
    }

    @Test func aTimerFiresAgainWhenItsTurnFailed() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.turn { try $0.armTimer(kind: "k", key: "1", at: start) }
        struct Stop: Error {}
        #expect(throws: Stop.self) { try log.turn(dueUpTo: start) { _ in throw Stop() } }
        #expect(try due(log, at: start) == ["k 1"])
    }

    @Test func timersOutliveTheProcess() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.turn { try $0.armTimer(kind: "k", key: "1", at: start + 10) }
        try log.close()
        let again = try EventLogFile.open(path: scratch.log)
        #expect(again.nextDue == start + 10)
        #expect(try due(again, at: start + 10) == ["k 1"])
    }

    @Test func manyTimersAreSpreadOverTurns() throws {
        let log = try EventLogFile.open(path: scratch.log)
        try log.turn { turn in for key in 0..<1500 { try turn.armTimer(kind: "k", key: "\(key)", at: start) } }
        #expect(try due(log, at: start).count == 1000)
        #expect(try due(log, at: start).count == 500)
        #expect(try due(log, at: start).count == 0)
    }
}
