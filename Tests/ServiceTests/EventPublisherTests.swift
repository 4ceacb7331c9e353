import AMQP
import Contracts
import EventLog
import Logging
import TestSupport
import Testing

@testable import Service

/// Publishing of what happens in a log, over a real broker.
@Suite(.serialized) struct EventPublisherTests {
    private static let quiet = Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }

    /// A log of notes with its writer, and a publisher that can be stopped and started.
    private final class Publishing: Sendable {
        let directory: TemporaryDirectory
        let names: BusNames
        let writer: LogWriter<Note.Change>
        let reader: LogReader

        init(in directory: TemporaryDirectory? = nil, prefix: String? = nil) throws {
            self.directory = try directory ?? TemporaryDirectory()
            names = BusNames(prefix: prefix ?? "events-\(UInt32.random(in: 0 ... .max))")
            let process = LogProcess(name: "test", version: "1", configuration: [:])
            let file = try EventLogFile.open(path: self.directory.file("log.db"), schema: [], process: process)
            reader = try LogReader(path: file.path)
            writer = LogWriter(log: file) { turn, changes in
                for change in changes { try change.append(in: turn) }
            }
            writer.start()
        }

        func record(_ note: UInt64, _ events: Note.Event...) async {
            let before = writer.head
            #expect(writer.submit(events.map { Note.Change(note: id(note), event: $0) }))
            _ = await writer.position(after: before + Int64(events.count) - 1)
        }

        func create(_ note: UInt64, _ text: String) async {
            await record(note, .created(id(note), customer: id(3), text: text))
        }

        func stop() async {
            writer.stop()
            await writer.stopped()
        }

        /// Runs the publisher with a client of `url` for the length of `body`.
        func publishing(
            _ url: String,
            isFrequent: Bool = false,
            _ body: (AMQPClient) async throws -> Void
        ) async throws {
            let client = AMQPClient(
                configuration: try AMQPConfiguration(url: url, connectionName: "t"),
                topology: .shared(names),
                logger: EventPublisherTests.quiet
            )
            let publisher = try EventPublisher(
                name: "test",
                exchange: names.events,
                categories: [Note.published(isFrequent: isFrequent)],
                log: reader,
                writer: writer,
                client: client,
                logger: EventPublisherTests.quiet
            )
            let connection = Task { try await client.run() }
            let walk = Task { try await publisher.run() }
            defer {
                walk.cancel()
                connection.cancel()
            }
            try await body(client)
            walk.cancel()
            try await walk.value
            await client.shutDown()
            try await connection.value
        }

        /// Binds a queue to `keys` and answers with what comes, one event after the other.
        func listen(_ client: AMQPClient, _ keys: [String] = ["#"]) async throws -> Listener {
            let queue = Queue(name: "listener-\(UInt32.random(in: 0 ... .max))", durable: false)
            try await client.declare(
                Topology(
                    queues: [queue],
                    bindings: keys.map { Binding(queue: queue.name, exchange: names.events, routingKey: $0) }
                ),
                timeout: .seconds(20)
            )
            return Listener(client, queue.name)
        }

        var cursor: Int64? { get throws { try reader.knownCursor("events") } }
        var cursorOrZero: Int64 { ((try? cursor) ?? nil) ?? 0 }
    }

    /// What arrived in a queue.
    private final class Listener: Sendable {
        private let heard = Locked<[JSONValue]>([])
        private let task: Task<Void, Never>

        init(_ client: AMQPClient, _ queue: String) {
            let deliveries = client.consume(queue: queue, prefetch: 100)
            task = Task { [heard] in
                for await batch in deliveries {
                    for delivery in batch {
                        let json = (try? JSONValue(parsing: delivery.body)) ?? .null
                        heard.withLock { $0 += json.array ?? [json] }
                        delivery.acknowledge()
                    }
                }
            }
        }

        deinit { task.cancel() }

        var events: [JSONValue] { heard.value }
        /// `type text`, each event once.
        var said: [String] {
            var seen: Set<ID> = []
            return heard.value.filter { $0["id"].id.map { seen.insert($0).inserted } ?? true }
                .map { "\($0["type"].string ?? "") \($0["data"]["text"].string ?? "")" }
        }

        func hears(_ count: Int) async -> Bool { await eventually { self.said.count >= count } }
    }

    @Test("C7: the events of an object come in order, each with the object as it was right after it")
    func eachEventShowsTheObjectAsItWasRightAfterIt() async throws {
        let publishing = try Publishing()
        let url = try await PrivateBroker.shared.value.url
        try await publishing.publishing(url) { client in
            let listener = try await publishing.listen(client)
            // All in one turn: the log is far ahead of the publisher.
            await publishing.record(
                1,
                .created(id(1), customer: id(3), text: "a"),
                .changed("b"),
                .counted,
                .renamed("c"),
                .changed("d"),
                .deleted
            )
            #expect(await listener.hears(5))
            #expect(
                listener.said == [
                    "memo_created a", "memo_updated ab", "memo_title_updated abc", "memo_updated abcd",
                    "memo_deleted abcd",
                ]
            )
            let events = listener.events
            #expect(events.allSatisfy { $0["subject"].id == id(1) && $0["data"]["customer_id"].id == id(3) })
            #expect(events.allSatisfy { $0["data"]["secret"] == .null })
            #expect(events[0]["data"]["tm_update"] == .null)
            #expect(events[1]["data"]["tm_update"].string?.hasSuffix("Z") == true)
            #expect(events[4]["data"]["tm_delete"].string == events[4]["time"].string)
            let sequences = events.compactMap { $0["sequence"].string.flatMap { Int64($0) } }
            #expect(sequences == sequences.sorted())
        }
        await publishing.stop()
    }

    @Test func whatIsRecordedAfterAQueueIsBoundArrivesThere() async throws {
        let publishing = try Publishing()
        let url = try await PrivateBroker.shared.value.url
        try await publishing.publishing(url) { client in
            await publishing.create(1, "nobody")
            #expect(await eventually { publishing.cursorOrZero == publishing.writer.head })
            // Ten listeners, each bound at a moment of its own while notes are made without a pause.
            let made = Locked<[Int]>([])
            let making = Task {
                var number = 2
                while !Task.isCancelled {
                    await publishing.create(UInt64(number), "\(number)")
                    made.withLock { $0.append(number) }
                    if number % 20 == 0 { try? await Task.sleep(for: .milliseconds(5)) }
                    number += 1
                }
            }
            var listeners: [(Listener, first: Int)] = []
            for _ in 0..<10 {
                let listener = try await publishing.listen(client, ["memo_created"])
                // The one after the last that is known to be recorded may have been under way already.
                listeners.append((listener, (made.value.last ?? 1) + 2))
                try await Task.sleep(for: .milliseconds(30))
            }
            making.cancel()
            await making.value
            let last = try #require(made.value.last)
            for (listener, first) in listeners {
                let wanted = (first...last).map { "memo_created \($0)" }
                #expect(await eventually { Set(wanted).isSubset(of: listener.said) })
                #expect(Array(listener.said.suffix(wanted.count)) == wanted)
            }
        }
        await publishing.stop()
    }

    @Test func itGoesOnWhereItWasAfterARestart() async throws {
        let directory = try TemporaryDirectory()
        let first = try Publishing(in: directory)
        let url = try await PrivateBroker.shared.value.url
        await first.create(1, "before")
        try await first.publishing(url) { client in
            // A log that was never walked is told from its present end on.
            let listener = try await first.listen(client)
            await first.record(1, .changed(" told"))
            #expect(await listener.hears(1))
            #expect(listener.said == ["memo_updated before told"])
        }
        await first.stop()
        let second = try Publishing(in: directory, prefix: first.names.prefix)
        await second.record(1, .changed(" late"))
        try await second.publishing(url) { client in
            let listener = try await second.listen(client)
            await second.record(1, .changed(" again"))
            #expect(await eventually { listener.said.last == "memo_updated before told late again" })
            // The event before the binding was published too; whether it still found a queue is a race.
            #expect(
                Set(listener.said).isSubset(of: [
                    "memo_updated before told late", "memo_updated before told late again",
                ])
            )
            #expect(await eventually { second.cursorOrZero == second.writer.head })
        }
        await second.stop()
    }

    @Test func theCursorWaitsForTheBroker() async throws {
        let publishing = try Publishing()
        let broker = try await PrivateBroker.shared.value
        let port = try PrivateBroker.freePorts(1)[0]
        try await publishing.publishing("amqp://guest:guest@127.0.0.1:\(port)/%2f") { _ in
            // Where it begins is written down even when it can publish nothing.
            #expect(await eventually { publishing.cursorOrZero > 0 })
            await publishing.create(1, "kept")
            try await Task.sleep(for: .milliseconds(500))
            let reached = try publishing.cursor ?? 0
            #expect(reached < publishing.writer.head)
        }
        // Bound by a client of its own before the publisher comes.
        let client = AMQPClient(
            configuration: try AMQPConfiguration(url: broker.url, connectionName: "t"),
            topology: .shared(publishing.names),
            logger: EventPublisherTests.quiet
        )
        let connection = Task { try await client.run() }
        let listener = try await publishing.listen(client)
        try await publishing.publishing(broker.url) { _ in #expect(await listener.hears(1)) }
        #expect(listener.said == ["memo_created kept"])
        await client.shutDown()
        try await connection.value
        await publishing.stop()
    }

    @Test func anObjectWhoseStoryWasErasedInPartIsToldNoMore() throws {
        let states = FoldedStates<Note>(customer: { $0.customer }, resource: { $0.resource })
        func recorded(_ version: Int64, _ event: Note.Event, isErased: Bool = false) -> RecordedEvent {
            RecordedEvent(
                position: version,
                stream: "note-\(id(1))",
                version: version,
                type: event.type,
                schema: 1,
                id: id(UInt64(version)),
                correlation: id(1),
                causation: nil,
                recordedAt: moment(Int(version)),
                actor: "test",
                data: isErased ? nil : event.json.bytes
            )
        }
        let directory = try TemporaryDirectory()
        let file = try EventLogFile.open(path: directory.file("log.db"), schema: [])
        try LogReader(path: file.path).read { db in
            let events = [
                recorded(1, .created(id(1), customer: id(3), text: "a")),
                recorded(2, .changed("b"), isErased: true), recorded(3, .changed("c")),
            ]
            let texts = try events.map { event in
                try states.object(after: event, of: id(1), in: db)?.resource["text"].string
            }
            #expect(texts == ["a", nil, nil])
        }
        try file.close()
    }

    @Test func theStatesThatAreKeptAreFew() throws {
        let states = FoldedStates<Note>(customer: { $0.customer }, resource: { $0.resource })
        let directory = try TemporaryDirectory()
        let file = try EventLogFile.open(path: directory.file("log.db"), schema: [])
        try LogReader(path: file.path).read { db in
            for number in 1...20_000 {
                let note = id(UInt64(number))
                let event = RecordedEvent(
                    position: Int64(number),
                    stream: "note-\(note)",
                    version: 1,
                    type: "note_created",
                    schema: 1,
                    id: note,
                    correlation: note,
                    causation: nil,
                    recordedAt: moment(0),
                    actor: "test",
                    data: Note.Event.created(note, customer: id(3), text: "x").json.bytes
                )
                _ = try states.object(after: event, of: note, in: db)
                #expect(states.count <= 4200)
            }
        }
        try file.close()
    }
}

extension Note {
    /// One event for the writer.
    struct Change: Sendable {
        var note: ID
        var event: Event

        func append(in turn: Turn) throws {
            let new = NewEvent(type: event.type, id: turn.ids.next(at: turn.now), data: event.json.bytes)
            _ = try turn.append(
                [new],
                to: "note-\(note)",
                expecting: .any,
                context: EventContext(correlation: note, actor: "test")
            )
        }
    }
}
