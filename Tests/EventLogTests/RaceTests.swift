import Contracts
import EventLog
import Testing

@Suite(.timeLimit(.minutes(2))) struct RaceTests {
    let scratch = Scratch()

    /// Both look at the same version and append; one wins, the other is told to look again.
    @Test func oneOfTwoAppendersWins() async throws {
        let log = try EventLogFile.open(path: scratch.log)
        let outcomes = Shared<[[String]]>(Array(repeating: [], count: 300))
        let round = Shared((number: 0, ready: 0))
        await withTaskGroup(of: Void.self) { group in
            for appender: UInt64 in 1...2 {
                group.addTask {
                    for number in 0..<300 {
                        // Both go into the round together.
                        round.with { $0.ready += 1 }
                        while round.with({ $0.ready < 2 * (number + 1) }) { await Task.yield() }
                        let outcome = append(log, appender, number)
                        outcomes.with { $0[number].append(outcome) }
                    }
                }
            }
        }
        #expect(outcomes.current.allSatisfy { $0.sorted() == ["appended", "versionConflict"] })
        #expect(log.head == 300)
        try log.close()
        #expect(try LogVerifier.verify(path: scratch.log, projections: []).violations == [])
    }

    private func append(_ log: EventLogFile, _ appender: UInt64, _ number: Int) -> String {
        do {
            let result = try log.turn { turn in
                try turn.append(
                    [event(appender * 1000 + UInt64(number))],
                    to: "note-1",
                    expecting: .exactly(Int64(number)),
                    context: context
                )
            }
            if case .appended = result { return "appended" }
            return "already"
        } catch {
            return (error as? EventLogError)?.code.description ?? "\(error)"
        }
    }

    /// The same through the writer's thread: inputs of one turn see each other.
    @Test func inputsOfOneTurnConflictToo() async throws {
        let refused = Shared(0)
        let writer = LogWriter<UInt64>(log: try EventLogFile.open(path: scratch.log)) { turn, inputs in
            for input in inputs {
                do {
                    let expected = ExpectedVersion.exactly(Int64(input / 10))
                    _ = try turn.append([event(input)], to: "note-1", expecting: expected, context: context)
                } catch let error as EventLogError where error.code == .versionConflict {
                    turn.afterCommit { refused.with { $0 += 1 } }
                }
            }
        }
        writer.start()
        for number: UInt64 in 0..<50 { #expect(writer.submit([number * 10, number * 10 + 1])) }
        #expect(await eventually { writer.head == 50 && refused.current == 50 })
        writer.stop()
        await writer.stopped()
    }

    @Test func aKnownIDIsKnownForEver() throws {
        var log = try EventLogFile.open(path: scratch.log)
        try log.turn { turn throws in
            _ = try turn.append([event(1)], to: "note-1", expecting: .exactly(0), context: context)
            for expecting in [ExpectedVersion.any, .exactly(0), .exactly(1)] {
                let again = try turn.append([event(1)], to: "note-1", expecting: expecting, context: context)
                #expect(again == .already(position: 1))
            }
        }
        #expect(
            try log.turn { try $0.append([event(1)], to: "note-1", expecting: .exactly(0), context: context) }
                == .already(position: 1)
        )
        try log.close()
        log = try EventLogFile.open(path: scratch.log)
        for expecting in [ExpectedVersion.any, .exactly(0), .exactly(1)] {
            #expect(
                try log.turn { try $0.append([event(1)], to: "note-1", expecting: expecting, context: context) }
                    == .already(position: 1)
            )
            do {
                _ = try log.turn { try $0.append([event(1)], to: "note-2", expecting: expecting, context: context) }
                Issue.record("one id in two streams")
            } catch let error as EventLogError {
                #expect(error.code == .duplicateEvent)
            }
        }
        #expect(log.head == 1)
    }
}
