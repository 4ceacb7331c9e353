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

    /// Two calls whose events come one after the other: one message for each type, in the order of a call's life.
    @Test func callEventsOfOneTypeShareAMessage() throws {
        var batch = DispatchBatch()
        let kinds: [CallEvent.Kind] = [.dialing, .ringing, .progressing, .hangup]
        let events = [1, 2].flatMap { call in kinds.map { callEvent($0, call: UInt64(call)) } }
        for event in events { batch.add(.callEvent(event, exchange: "calls")) }
        batch.finish()
        #expect(batch.entries.map(\.message.routingKey) == kinds.map(\.rawValue))
        #expect(batch.entries.allSatisfy { $0.isRequired && $0.message.exchange == "calls" })
        for (entry, kind) in zip(batch.entries, kinds) {
            #expect(entry.message.contentType == "application/cloudevents-batch+json")
            let json = try JSONValue(parsing: entry.message.body)
            let read = try CallEvent.read(json, receivedAt: Timestamp(microseconds: 0)).events
            #expect(read == events.filter { $0.kind == kind })
        }
    }

    @Test func oneCallEventIsOneDocument() throws {
        var batch = DispatchBatch()
        let event = callEvent(.hangup, call: 1)
        batch.add(.callEvent(event, exchange: "calls"))
        batch.finish()
        let message = try #require(batch.entries.first?.message)
        #expect(batch.entries.count == 1)
        #expect(message.contentType == "application/cloudevents+json")
        #expect(message.messageID == event.id?.description)
        let json = try JSONValue(parsing: message.body)
        #expect(json["specversion"].string == "1.0")
        #expect(try CallEvent.read(json, receivedAt: Timestamp(microseconds: 0)).events == [event])
    }

    @Test func manyCallEventsAreCutIntoMessages() throws {
        var batch = DispatchBatch()
        for call in 1...250 { batch.add(.callEvent(callEvent(.hangup, call: UInt64(call)), exchange: "calls")) }
        batch.finish()
        let sizes = try batch.entries.map { try JSONValue(parsing: $0.message.body).array?.count ?? 0 }
        #expect(sizes == [100, 100, 50])
    }

    private func callEvent(_ kind: CallEvent.Kind, call: UInt64) -> CallEvent {
        let ordinal = UInt64(CallEvent.Kind.allCases.firstIndex(of: kind) ?? 0)
        return CallEvent(
            id: ID(high: call, low: ordinal),
            kind: kind,
            source: "dialer-worker/1",
            time: Timestamp(microseconds: 1_700_000_000_000_000),
            customer: ID(high: 1, low: 1),
            call: ID(high: call, low: 100),
            attempt: ID(high: call, low: 200),
            journal: ID(high: 2, low: 2),
            sequence: 5,
            correlation: ID(high: call, low: 300),
            hangupReason: kind == .hangup ? "normal" : "",
            hangupBy: kind == .hangup ? "remote" : ""
        )
    }
}
