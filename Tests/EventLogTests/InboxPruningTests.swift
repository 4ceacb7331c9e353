import Contracts
import EventLog
import GRDB
import Testing

@Suite(.timeLimit(.minutes(1))) struct InboxPruningTests {
    let scratch = Scratch()

    private func count() throws -> Int {
        try LogReader(path: scratch.log).read { try Int.fetchOne($0, sql: "SELECT count(*) FROM inbox") ?? -1 }
    }

    /// Each input admits a hundred messages and appends an event.
    private func writer(_ now: Shared<Timestamp>) throws -> LogWriter<UInt64> {
        LogWriter(
            log: try EventLogFile.open(path: scratch.log),
            clock: { now.current },
            lowSpace: 0,
            turn: { turn, inputs in
                for input in inputs {
                    for message in 0..<100 {
                        _ = try turn.admit(ID(high: UInt64(message), low: input), consumer: "consumer-\(input % 3)")
                    }
                    _ = try turn.append([event(input)], to: "note-1", expecting: .any, context: context)
                }
            },
            onFailure: { Issue.record("\($0)") }
        )
    }

    @Test func messagesOfLongAgoAreForgotten() async throws {
        let now = Shared(start)
        let writer = try writer(now)
        #expect(writer.submit(Array(1...25)))
        writer.start()
        #expect(await eventually { writer.head == 25 })
        now.with { $0 = start + .seconds(10 * 86_400) }
        #expect(writer.submit(Array(26...30)))
        #expect(await eventually { writer.head == 30 })
        #expect(try count() == 3000)
        // The first ones are 16 days old now, the last ones six.
        now.with { $0 = start + .seconds(16 * 86_400) }
        #expect(await eventually { (try? count()) == 500 })
        #expect(await eventually { writer.commits > 5 })
        writer.stop()
        await writer.stopped()
        #expect(try LogVerifier.verify(path: scratch.log, projections: []).violations == [])
        let log = try EventLogFile.open(path: scratch.log)
        #expect(try !log.turn { try $0.admit(ID(high: 1, low: 27), consumer: "consumer-0") })
        #expect(try log.turn { try $0.admit(ID(high: 1, low: 24), consumer: "consumer-0") })
        try log.close()
    }

    /// A redelivery that waited for the daemon while it stood still comes within the first hour.
    @Test func nothingIsForgottenInTheFirstHour() async throws {
        let now = Shared(start)
        var writer = try writer(now)
        #expect(writer.submit([1]))
        writer.start()
        writer.stop()
        await writer.stopped()
        now.with { $0 = start + .seconds(100 * 86_400) }
        writer = try self.writer(now)
        writer.start()
        #expect(writer.submit([2]))
        #expect(await eventually { writer.commits >= 2 })
        now.with { $0 = $0 + .seconds(3500) }
        #expect(writer.submit([3]))
        #expect(await eventually { writer.head == 3 })
        writer.stop()
        await writer.stopped()
        #expect(try count() == 300)
    }
}
