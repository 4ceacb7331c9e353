import Contracts
import EventLog
import Testing

@Suite(.timeLimit(.minutes(1))) struct LogWriterTests {
    let scratch = Scratch()

    /// A writer at the hand-moved time `now`, or by the real clock; its failures are kept, or fail the test.
    private func writer(
        queueLimit: Int = 50_000,
        lowSpace: UInt64 = 0,
        now: Shared<Timestamp>? = nil,
        failures: Shared<[String]>? = nil,
        turn: @escaping @Sendable (Turn, [UInt64]) throws -> Void
    ) throws -> LogWriter<UInt64> {
        LogWriter(
            log: try EventLogFile.open(path: scratch.log),
            clock: { now?.current ?? WallClock.now() },
            queueLimit: queueLimit,
            lowSpace: lowSpace,
            turn: turn,
            onFailure: { error in
                if failures == nil { Issue.record("\(error)") }
                failures?.with { $0.append("\(error)") }
            }
        )
    }

    @Test func manyInputsShareACommit() async throws {
        let turns = Shared(0)
        let answers = Shared<[UInt64]>([])
        let writer = try writer { turn, inputs in
            turns.with { $0 += 1 }
            for input in inputs {
                _ = try turn.append([event(input)], to: "note-\(input % 8)", expecting: .any, context: context)
                turn.afterCommit { answers.with { $0.append(input) } }
            }
        }
        writer.start()
        await withTaskGroup(of: Void.self) { group in
            for submitter: UInt64 in 0..<20 {
                group.addTask { for input in 1...100 { #expect(writer.submit([submitter * 100 + UInt64(input)])) } }
            }
        }
        #expect(await eventually { answers.current.count == 2000 })
        #expect(Set(answers.current).count == 2000)
        #expect(turns.current < 1000)
        #expect(writer.head == 2000)
        writer.stop()
        await writer.stopped()
        #expect(try LogVerifier.verify(path: scratch.log, projections: []).violations == [])
    }

    @Test func inputsAreTakenInOrderUpToTheBatchLimit() async throws {
        let batches = Shared<[[UInt64]]>([])
        let writer = try writer { turn, inputs in batches.with { $0.append(inputs) } }
        #expect(writer.submit(Array(0..<1300)))
        #expect(writer.queued == 1300)
        writer.start()
        writer.stop()
        await writer.stopped()
        #expect(batches.current.map(\.count) == [512, 512, 276])
        #expect(batches.current.flatMap { $0 } == Array(0..<1300))
        #expect(!writer.submit([1]))
    }

    @Test func aFullQueueRefuses() async throws {
        let writer = try writer(queueLimit: 10) { _, _ in }
        #expect(writer.submit(Array(0..<8)))
        #expect(!writer.submit(Array(0..<3)))
        #expect(writer.submit(Array(0..<2)))
        #expect(!writer.submit([1]))
        writer.start()
        #expect(await eventually { writer.queued == 0 })
        #expect(writer.submit([1]))
        writer.stop()
        await writer.stopped()
    }

    @Test func aFailedTurnEndsTheWriter() async throws {
        struct Stop: Error {}
        let failures = Shared<[String]>([])
        let writer = try writer(failures: failures) { turn, inputs in
            _ = try turn.append(inputs.map { event($0) }, to: "note-1", expecting: .any, context: context)
            turn.afterCommit { if inputs == [2] { Issue.record("an effect of a failed turn ran") } }
            if inputs == [2] { throw Stop() }
        }
        writer.start()
        #expect(writer.submit([1]))
        #expect(await writer.position(after: 0) == 1)
        #expect(writer.submit([2]))
        await writer.stopped()
        #expect(failures.current == ["Stop()"])
        #expect(!writer.submit([3]))
        #expect(writer.head == 1)
        #expect(try EventLogFile.open(path: scratch.log).head == 1)
    }

    @Test func dueTimersMakeATurn() async throws {
        let now = Shared(start)
        let fired = Shared<[String]>([])
        let writer = try writer(now: now) { turn, inputs in
            for input in inputs {
                try turn.armTimer(kind: "k", key: "\(input)", at: start + Milliseconds(Int64(input)))
            }
            let keys = turn.dueTimers.map(\.key)
            turn.afterCommit { fired.with { $0 += keys } }
        }
        writer.start()
        #expect(writer.submit([3_600_000, 7_200_000]))
        #expect(await eventually { writer.queued == 0 })
        #expect(fired.current == [])
        now.with { $0 = start + 3_600_000 }
        writer.wake()
        #expect(await eventually { fired.current == ["3600000"] })
        writer.stop()
        await writer.stopped()
        #expect(fired.current == ["3600000"])
    }

    @Test func aTimerOfTheRealClockFiresByItself() async throws {
        let fired = Shared(false)
        let writer = try writer { turn, inputs in
            if !inputs.isEmpty { try turn.armTimer(kind: "k", key: "1", at: turn.now + 30) }
            if !turn.dueTimers.isEmpty { turn.afterCommit { fired.with { $0 = true } } }
        }
        writer.start()
        #expect(writer.submit([1]))
        #expect(await eventually { fired.current })
        writer.stop()
        await writer.stopped()
    }

    @Test func cursorNotesAreWrittenWithoutInputs() async throws {
        let writer = try writer { _, _ in }
        writer.start()
        writer.noteCursor("publisher", 4)
        let reader = try LogReader(path: scratch.log)
        #expect(await eventually { (try? reader.cursor("publisher")) == 4 })
        writer.noteCursor("publisher", 5)
        writer.stop()
        await writer.stopped()
        #expect(try LogReader(path: scratch.log).cursor("publisher") == 5)
    }

    @Test func aNoteOfTheLastEffectIsKept() async throws {
        let late = Shared<LogWriter<UInt64>?>(nil)
        let writer = try writer { turn, _ in turn.afterCommit { late.current?.noteCursor("publisher", 9) } }
        late.with { $0 = writer }
        #expect(writer.submit([1]))
        writer.start()
        writer.stop()
        await writer.stopped()
        late.with { $0 = nil }
        #expect(try LogReader(path: scratch.log).cursor("publisher") == 9)
    }

    @Test func waitersSeeTheHeadOrTheEnd() async throws {
        let writer = try writer { turn, inputs in
            _ = try turn.append(inputs.map { event($0) }, to: "note-1", expecting: .any, context: context)
        }
        async let first = writer.position(after: 0)
        async let never = writer.position(after: 1000)
        let cancelled = Task { await writer.position(after: 1000) }
        cancelled.cancel()
        #expect(await cancelled.value == 0)
        writer.start()
        #expect(writer.submit([1, 2, 3]))
        #expect(await first == 3)
        writer.stop()
        await writer.stopped()
        #expect(await never == 3)
        #expect(await writer.position(after: 3) == 3)
    }

    @Test func timeDoesNotGoBack() async throws {
        let now = Shared(start)
        let writer = try writer(now: now) { turn, inputs in
            _ = try turn.append(inputs.map { event($0) }, to: "note-1", expecting: .any, context: context)
        }
        writer.start()
        #expect(writer.submit([1]))
        #expect(await writer.position(after: 0) == 1)
        now.with { $0 = Timestamp(microseconds: 5) }
        #expect(writer.submit([2]))
        #expect(await writer.position(after: 1) == 2)
        writer.stop()
        await writer.stopped()
        #expect(try LogReader(path: scratch.log).events(after: 0, limit: 5).map(\.recordedAt) == [start, start])
    }

    @Test func aNearlyFullDiskIsSeen() async throws {
        let writer = try writer(lowSpace: .max) { _, _ in }
        writer.start()
        #expect(await eventually { writer.isSpaceLow })
        writer.stop()
        await writer.stopped()
    }

    @Test func aWriterThatNeverStartedCloses() async throws {
        let writer = try writer { _, _ in }
        writer.stop()
        await writer.stopped()
        try EventLogFile.open(path: scratch.log).close()
    }
}
