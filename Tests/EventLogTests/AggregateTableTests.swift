import Contracts
import EventLog
import GRDB
import Testing

@Suite struct AggregateTableTests {
    let scratch = Scratch()
    let ids = (1...3).map { ID(high: UInt64($0) << 32, low: 5) }

    private func open() throws -> EventLogFile { try EventLogFile.open(path: scratch.log, schema: tallies.schema) }

    private func fill(_ log: EventLogFile) throws {
        try log.turn { turn throws in
            for (index, id) in ids.enumerated() {
                let opened = try tallies.record(
                    [.opened(owner: "owner-\(index)"), .added(1)],
                    on: id,
                    current: nil,
                    context: context,
                    in: turn
                )
                _ = try tallies.record([.added(Int64(index))], on: id, current: opened, context: context, in: turn)
            }
        }
    }

    private func violations() throws -> [Violation] {
        try LogVerifier.verify(path: scratch.log, projections: [tallies]).violations
    }

    @Test func recordsLoadsAndFetches() throws {
        let log = try open()
        try fill(log)
        try log.turn(at: start + 1000) { turn throws in
            let current = try #require(try tallies.load(ids[1], in: turn.database))
            #expect(current.version == 3)
            #expect(try current.state == Tally(json: ["owner": "owner-1", "total": 2, "changed_at": .time(start)]))
            let next = try tallies.record([.added(40)], on: ids[1], current: current, context: context, in: turn)
            #expect(next.version == 4)
            #expect(try tallies.record([], on: ids[1], current: next, context: context, in: turn).version == 4)
        }
        try log.close()
        let reader = try LogReader(path: scratch.log)
        try reader.read { db throws in
            #expect(try tallies.load(ids[1], in: db)?.state.total == 42)
            #expect(try tallies.load(ID(high: 0, low: 1), in: db) == nil)
            #expect(try tallies.fetch("WHERE owner = ?", ["owner-1"], in: db).map(\.id) == [ids[1]])
            #expect(try tallies.fetch("WHERE id = ?", [ids[2]], in: db).map(\.state.total) == [3])
            #expect(try tallies.fetch("ORDER BY total DESC LIMIT 2", in: db).map(\.state.total) == [42, 3])
            let text = try String.fetchOne(db, sql: "SELECT state FROM tally WHERE owner = 'owner-0'")
            #expect(text == "{\"owner\":\"owner-0\",\"total\":1,\"changed_at\":1700000000000000}")
        }
        #expect(try violations() == [])
    }

    @Test func anOldVersionConflicts() throws {
        let log = try open()
        try fill(log)
        try log.turn { turn throws in
            let old = try #require(try tallies.load(ids[0], in: turn.database))
            _ = try tallies.record([.added(1)], on: ids[0], current: old, context: context, in: turn)
            for stale in [old, nil] {
                do {
                    _ = try tallies.record(
                        [.opened(owner: "x")],
                        on: ids[0],
                        current: stale,
                        context: context,
                        in: turn
                    )
                    Issue.record("a stale version was accepted")
                } catch let error as EventLogError {
                    #expect(error.code == .versionConflict)
                }
            }
        }
        try log.close()
        #expect(try violations() == [])
    }

    @Test(arguments: [
        ("state = json_set(state, '$.total', 7)", "state differs"), ("total = 7", "column total differs"),
        ("owner = NULL", "column owner differs"), ("version = 2", "the row is at version 2, its events at 3"),
    ])
    func anEditedRowIsFound(_ edit: String, _ message: String) throws {
        let log = try open()
        try fill(log)
        try log.close()
        try scratch.edit(scratch.log, "UPDATE tally SET \(edit) WHERE owner = 'owner-1'")
        let found = try violations()
        #expect(found.map { "\($0.position) \($0.kind)" } == ["6 projection"])
        #expect(found.first?.message.contains(message) == true)
        #expect(found.first?.message.contains("\(ids[1])") == true)
    }

    @Test func aMissingRowIsFound() throws {
        let log = try open()
        try fill(log)
        try log.close()
        try scratch.edit(scratch.log, "DELETE FROM tally WHERE owner = 'owner-1'")
        #expect(try violations() == [Violation(6, "projection", "the row of tally \(ids[1]) is missing")])
    }

    @Test(arguments: ["00000000000000000000000000000001", "00000002000000000000000000000009", "ff"])
    func aSurplusRowIsFound(_ id: String) throws {
        let log = try open()
        try fill(log)
        try log.close()
        try scratch.edit(scratch.log, "INSERT INTO tally VALUES (x'\(id)', 1, '{}', 'x', 1)")
        let found = try violations()
        #expect(found.map { "\($0.position) \($0.kind)" } == ["0 projection"])
        #expect(found.first?.message.contains("has no events") == true)
    }

    @Test func erasedStreamsAreComparedByVersionOnly() throws {
        let log = try open()
        try fill(log)
        _ = try log.turn { try $0.eraseData(of: AggregateTable<Tally>.stream(of: ids[1])) }
        try log.close()
        #expect(try violations() == [])
    }

    @Test func anUnreadableEventIsFound() throws {
        let log = try open()
        try fill(log)
        try log.turn { turn throws in
            _ = try turn.append(
                [event(1, type: "tally_flown")],
                to: AggregateTable<Tally>.stream(of: ids[0]),
                expecting: .any,
                context: context
            )
        }
        try log.close()
        #expect(try violations().contains { $0.position == 10 && $0.message.contains("tally_flown") })
    }

    @Test func aTurnOfManyIsFast() throws {
        let log = try open()
        let turns = 40
        let batch = 512
        var next = IDGenerator(seed: 1)
        let clock = ContinuousClock()
        let time = try clock.measure {
            for number in 0..<turns {
                try log.turn(at: start + Milliseconds(Int64(number))) { turn throws in
                    for _ in 0..<batch {
                        _ = try tallies.record(
                            [.opened(owner: "somebody")],
                            on: next.next(at: turn.now),
                            current: nil,
                            context: context,
                            in: turn
                        )
                    }
                }
            }
        }
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        print("event log: \(Int(Double(turns * batch) / seconds)) events/s in turns of \(batch), one row each")
        #expect(log.head == Int64(turns * batch))
    }
}
