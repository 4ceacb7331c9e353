import AMQP
import Contracts
import EventLog
import Logging
import TestSupport
import Testing

@testable import Service

@Suite struct LogPublisherTests {
    private struct FixedHead: LogHead {
        let head: Int64
        func position(after position: Int64) async -> Int64 { head }
        func noteCursor(_ name: String, _ position: Int64) {}
    }

    private struct Poisoned: Error {}

    @Test func anEventThatCannotBeTranslatedIsToldOnceAndTriedWithPauses() async throws {
        let directory = try TemporaryDirectory()
        let process = LogProcess(name: "test", version: "1", configuration: [:])
        let file = try EventLogFile.open(path: directory.file("log.db"), schema: [], process: process)
        var ids = IDGenerator()
        let context = EventContext(correlation: id(1), actor: "system")
        try file.perform(now: moment(0), ids: &ids) { turn in
            _ = try turn.append(
                [NewEvent(type: "noted", id: id(2), data: Array("{}".utf8))],
                to: "note-1",
                expecting: .any,
                context: context
            )
        }
        let (tries, lines) = (Locked(0), Locked<[String]>([]))
        let logger = Logger(label: "t") { _ in
            LineLogHandler(
                daemon: "t",
                format: .text,
                level: .info,
                write: { line in lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
            )
        }
        let configuration = try AMQPConfiguration(url: "amqp://127.0.0.1:1", connectionName: "t")
        let publisher = LogPublisher(
            name: "bus",
            log: try LogReader(path: file.path),
            writer: FixedHead(head: file.head),
            client: AMQPClient(configuration: configuration, topology: Topology(), logger: logger),
            logger: logger,
            dispatches: { _ in
                tries.withLock { $0 += 1 }
                throw Poisoned()
            }
        )
        let task = Task<Void, any Error> { try await publisher.run() }
        #expect(await eventually { tries.value >= 4 })
        try await Task.sleep(for: .milliseconds(300))
        task.cancel()
        try await task.value
        #expect(tries.value < 30)
        #expect(lines.value.filter { $0.contains("cannot publish from the log") }.count == 1, "\(lines.value)")
        try file.close()
    }

    @Test func amongMessagesOnlyRequiredOnesAreRepeated() {
        var batch = DispatchBatch()
        batch.add(.message(OutgoingMessage(routingKey: "a", body: [])))
        batch.add(.message(OutgoingMessage(routingKey: "b", body: []), isRequired: true))
        batch.finish()
        #expect(batch.entries.map(\.isRequired) == [false, true])
    }
}
