import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import AMQP

extension Faults {
    @Suite("A broker that goes and comes back")
    struct RestartTests {
        /// How the broker goes.
        enum Fault: Sendable {
            case terminated, killed
        }

        @Test func noConfirmedMessageIsLost() async throws {
            try await publish(atLeast: 20_000, to: Faults.kept, faults: [.terminated, .killed])
        }

        @Test(.deep) func noConfirmedMessageIsLostOverManyFaults() async throws {
            try await publish(
                atLeast: 100_000,
                to: Faults.keptLong,
                faults: [.killed, .killed, .terminated, .killed, .terminated, .killed]
            )
        }

        @Test func aKilledBrokerComesBackWithTopologyAndConsumers() async throws {
            let broker = try await Faults.settledBroker()
            let exchange = Exchange(name: "events", kind: .topic)
            let queue = Faults.inbox
            let fleeting = Queue(name: "fleeting", durable: false)
            let topology = Topology(
                exchanges: [exchange],
                queues: [queue, fleeting],
                bindings: [Binding(queue: queue.name, exchange: exchange.name, routingKey: "call.#")]
            )
            try await withClient(broker.url, topology: topology) { client in
                let deliveries = client.consume(queue: queue.name, prefetch: 10)
                try await client.waitUntilReady(timeout: .seconds(20))
                func message(_ number: UInt8) -> OutgoingMessage {
                    OutgoingMessage(exchange: exchange.name, routingKey: "call.hangup", body: [number], mandatory: true)
                }
                #expect(await client.publish([message(1)], timeout: .seconds(10)) == [.acked])
                var iterator = deliveries.makeAsyncIterator()
                let first = await iterator.next()
                #expect(first?.map(\.body) == [[1]])

                broker.kill()
                let began = ContinuousClock.now
                let open = await client.publish([message(2)], timeout: .seconds(3))
                #expect(open == [.unknown])
                #expect(ContinuousClock.now - began < .seconds(5))
                try await eventually("the loss is noticed") { !client.isReady }
                let error = await #expect(throws: AMQPError.self) {
                    try await client.waitUntilReady(timeout: .seconds(1))
                }
                #expect(error?.code == .timedOut)
                #expect(error?.message.contains("127.0.0.1:\(broker.port)") == true, "\(error?.message ?? "")")
                let call = await #expect(throws: AMQPError.self) {
                    try await client.call(routingKey: queue.name, body: [], timeout: .seconds(5))
                }
                #expect(call?.code == .connectionClosed)

                // An acknowledgement of the lost connection is dropped, so the message comes again.
                first?.acknowledgeAll()
                try await broker.restart()
                try await client.waitUntilReady(timeout: .seconds(30))
                let again = await iterator.next()
                #expect(again?.first?.body == [1])
                #expect(again?.first?.redelivered == true)
                again?.acknowledgeAll()
                #expect(await client.publish([message(3)], timeout: .seconds(10)) == [.acked])
                #expect(
                    await client.publish(
                        [OutgoingMessage(routingKey: fleeting.name, body: [], mandatory: true)],
                        timeout: .seconds(10)
                    )
                        == [.acked]
                )
                var bodies: [[UInt8]] = []
                while bodies.last != [3], let batch = await iterator.next() {
                    bodies += batch.map(\.body)
                    batch.acknowledgeAll()
                }
                #expect(bodies.last == [3])
            }
        }

        @Test func connectionsClosedByAnOperatorComeBack() async throws {
            let broker = try await Faults.broker()
            let queue = Queue(name: unique("closed"))
            try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
                let deliveries = client.consume(queue: queue.name, prefetch: 1)
                try await client.waitUntilReady(timeout: .seconds(20))
                try broker.rabbitmqctl(["close_all_connections", "test"])
                try await client.waitUntilReady(timeout: .seconds(20))
                try await eventually("publishing works") {
                    await client.publish([OutgoingMessage(routingKey: queue.name, body: [1])], timeout: .seconds(5))
                        == [.acked]
                }
                var iterator = deliveries.makeAsyncIterator()
                #expect(await iterator.next()?.first?.body == [1])
            }
        }

        private func publish(atLeast count: Int, to queue: Queue, faults: [Fault]) async throws {
            let broker = try await Faults.settledBroker()
            try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
                try await client.waitUntilReady(timeout: .seconds(30))
                let publisher = RepeatingPublisher(client: client, queue: queue.name, atLeast: count)
                async let published: Void = publisher.publish(tasks: 4, batch: 100)
                for fault in faults {
                    let mark = publisher.confirmed.value + 3000
                    try await eventually("\(mark) are confirmed", within: .seconds(60)) {
                        publisher.confirmed.value >= mark
                    }
                    if fault == .terminated { broker.terminate() } else { broker.kill() }
                    try await broker.restart()
                }
                publisher.mayEnd.complete(.success(()))
                try await published
                #expect(publisher.confirmed.value == publisher.count)
                #expect(publisher.count >= count)
                #expect(!publisher.repeated.isEmpty, "no fault hit an open batch")
                try await check(client, queue, publisher.count, publisher.repeated)
            }
        }

        /// Takes everything out of the queue: each message at least once, and twice only what was repeated.
        private func check(_ client: AMQPClient, _ queue: Queue, _ count: Int, _ repeated: [String: Int]) async throws {
            let present = try await messageCount(of: queue, client)
            var copies: [String: Int] = [:]
            var received = 0
            for await batch in client.consume(queue: queue.name, prefetch: 1000) {
                for delivery in batch { copies[delivery.messageID ?? "", default: 0] += 1 }
                received += batch.count
                batch.acknowledgeAll()
                if received >= present { break }
            }
            let missing = (0..<count).filter { copies["\($0)"] == nil }
            #expect(missing.isEmpty, "missing of \(count): \(missing.prefix(10))")
            #expect(copies.count == count)
            let unexplained = copies.filter { id, copies in copies > 1 + repeated[id, default: 0] }
            #expect(unexplained.isEmpty, "more copies than were sent: \(unexplained.prefix(10))")
            print(
                "\(count) published over faults: \(repeated.count) repeated, \(present - count) duplicates, 0 missing"
            )
        }
    }
}

/// Publishes numbered messages and repeats what is not known to have arrived, as the log's publisher does.
private final class RepeatingPublisher: Sendable {
    let client: AMQPClient
    let queue: String
    let confirmed = Counter()
    /// Completes when enough has happened; until then it publishes on and on.
    let mayEnd = OneShot<Void>()
    private let least: Int
    private let numbers = NIOLockedValueBox(0)
    private let repetitions = NIOLockedValueBox<[String: Int]>([:])

    init(client: AMQPClient, queue: String, atLeast least: Int) {
        self.client = client
        self.queue = queue
        self.least = least
    }

    /// How many messages there are.
    var count: Int { numbers.withLockedValue { $0 } }
    /// How often each repeated message was sent again.
    var repeated: [String: Int] { repetitions.withLockedValue { $0 } }

    func publish(tasks: Int, batch: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<tasks {
                group.addTask {
                    while let range = self.next(batch) { try await self.publish(range) }
                }
            }
            try await group.waitForAll()
        }
    }

    private func next(_ batch: Int) -> Range<Int>? {
        numbers.withLockedValue { numbers in
            guard numbers < least || mayEnd.result == nil else { return nil }
            defer { numbers += batch }
            return numbers..<(numbers + batch)
        }
    }

    private func publish(_ numbers: Range<Int>) async throws {
        var open = numbers.map { number in
            OutgoingMessage(routingKey: queue, body: [1, 2, 3], messageID: "\(number)", mandatory: true)
        }
        while true {
            let outcomes = await client.publish(open, timeout: .seconds(5))
            confirmed.add(outcomes.count { $0 == .acked })
            open = zip(open, outcomes).filter { $1 != .acked }.map(\.0)
            guard !open.isEmpty else { return }
            let ids = open.compactMap(\.messageID)
            repetitions.withLockedValue { repetitions in
                for id in ids { repetitions[id, default: 0] += 1 }
            }
            try await client.waitUntilReady(timeout: .seconds(60))
        }
    }
}
