import NIOCore
import TestSupport
import Testing

@testable import AMQP

@Suite("Failures")
struct FailureTests {
    @Test func aKilledBrokerComesBackWithTopologyAndConsumers() async throws {
        let broker = try await PrivateBroker.start()
        defer { broker.stop() }
        let exchange = Exchange(name: "events", kind: .topic)
        let queue = Queue(name: "inbox", kind: .quorum)
        let fleeting = Queue(name: "fleeting", durable: false)
        let topology = Topology(
            exchanges: [exchange],
            queues: [queue, fleeting],
            bindings: [Binding(queue: queue.name, exchange: exchange.name, routingKey: "call.#")]
        )
        try await withClient(broker.url, topology: topology) { client in
            let deliveries = client.consume(queue: queue.name, prefetch: 10)
            try await client.waitUntilReady(timeout: .seconds(20))
            // A quorum queue younger than a second does not survive a kill.
            try await Task.sleep(for: .seconds(5))
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
            let error = await #expect(throws: AMQPError.self) { try await client.waitUntilReady(timeout: .seconds(1)) }
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

    @Test func aConsumerComesBackWhenItsQueueIsDeleted() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("deleted"))
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            let deliveries = client.consume(queue: queue.name, prefetch: 10)
            try await client.waitUntilReady(timeout: .seconds(20))
            try broker.rabbitmqctl(["delete_queue", queue.name])
            try await eventually("the queue is there again") {
                await client.publish(
                    [OutgoingMessage(routingKey: queue.name, body: [9], mandatory: true)],
                    timeout: .seconds(5)
                ) == [.acked]
            }
            var iterator = deliveries.makeAsyncIterator()
            let batch = await iterator.next()
            #expect(batch?.map(\.body) == [[9]])
            batch?.acknowledgeAll()
        }
    }

    @Test func whatIsRejectedComesAgain() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("rejected"))
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            _ = await client.publish([OutgoingMessage(routingKey: queue.name, body: [1])], timeout: .seconds(10))
            var iterator = client.consume(queue: queue.name, prefetch: 1).makeAsyncIterator()
            let first = await iterator.next()
            #expect(first?.first?.redelivered == false)
            first?.first?.reject(requeue: true)
            let second = await iterator.next()
            #expect(second?.first?.redelivered == true)
            second?.first?.reject(requeue: false)
            second?.first?.acknowledge()
            try await eventually("the queue is empty") {
                try broker.rabbitmqctl(["list_queues", "name", "messages"]).contains("\(queue.name)\t0")
            }
        }
    }

    @Test func connectionsClosedByAnOperatorComeBack() async throws {
        let broker = try await PrivateBroker.start()
        defer { broker.stop() }
        try await withClient(broker.url, topology: Topology(queues: [Queue(name: "q")])) { client in
            let deliveries = client.consume(queue: "q", prefetch: 1)
            try await client.waitUntilReady(timeout: .seconds(20))
            try broker.rabbitmqctl(["close_all_connections", "test"])
            try await client.waitUntilReady(timeout: .seconds(20))
            try await eventually("publishing works") {
                await client.publish([OutgoingMessage(routingKey: "q", body: [1])], timeout: .seconds(5)) == [.acked]
            }
            var iterator = deliveries.makeAsyncIterator()
            #expect(await iterator.next()?.first?.body == [1])
        }
    }

    @Test func aWrongPasswordIsSaid() async throws {
        let broker = try await PrivateBroker.shared.value
        let url = "amqp://guest:wrong-one@127.0.0.1:\(broker.port)"
        try await withClient(url) { client in
            let error = await #expect(throws: AMQPError.self) { try await client.waitUntilReady(timeout: .seconds(3)) }
            #expect(error?.code == .timedOut)
            #expect((error?.underlying as? AMQPError)?.code == .accessRefused)
            #expect(error?.message.contains("refused user 'guest'") == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("wrong-one") == false)
        }
    }

    @Test func nobodyListeningIsSaid() async throws {
        try await withClient("amqp://127.0.0.1:1") { client in
            let error = await #expect(throws: AMQPError.self) { try await client.waitUntilReady(timeout: .seconds(4)) }
            let expected = "cannot reach the broker at amqp://127.0.0.1:1: connection refused"
            #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
            #expect(
                await client.publish([OutgoingMessage(routingKey: "q", body: [])], timeout: .seconds(5)) == [.unknown]
            )
        }
    }

    @Test func garbageFromAServerIsAnErrorInTime() async throws {
        let server = try await FakeServer { $0.writeAndFlush(ByteBuffer(string: "220 mail ready\r\n"), promise: nil) }
        defer { server.stop() }
        try await withClient("amqp://127.0.0.1:\(server.port)") { client in
            let error = await #expect(throws: AMQPError.self) { try await client.waitUntilReady(timeout: .seconds(4)) }
            #expect(error?.message.contains("does not speak AMQP 0-9-1") == true, "\(error?.message ?? "")")
        }
    }

    @Test func aSilentServerIsAnErrorInTime() async throws {
        let server = try await FakeServer { _ in }
        defer { server.stop() }
        let change: (inout AMQPConfiguration) -> Void = { $0.connectTimeout = .milliseconds(300) }
        try await withClient("amqp://127.0.0.1:\(server.port)", change: change) { client in
            let error = await #expect(throws: AMQPError.self) { try await client.waitUntilReady(timeout: .seconds(4)) }
            #expect(error?.message.contains("waiting for the broker's greeting") == true, "\(error?.message ?? "")")
        }
    }

    @Test func aServerThatFallsSilentLaterIsGivenUp() async throws {
        let greeting = try encoded([(.connectionStart(major: 0, minor: 9, properties: [:], mechanisms: "PLAIN"), 0)])
        let rest = try encoded([
            (.connectionTune(.init(channelMax: 10, frameMax: 0, heartbeat: 1)), 0), (.connectionOpenOK, 0),
        ])
        let server = try await FakeServer { _ in
        } onBytes: { channel, bytes in
            // The protocol header is answered with the greeting, start-ok with all else.
            let isHeader = bytes.readableBytesView.starts(with: "AMQP".utf8)
            let isStartOK = bytes.readableBytes > 50
            if isHeader || isStartOK { channel.writeAndFlush(isHeader ? greeting : rest, promise: nil) }
        }
        defer { server.stop() }
        var configuration = try AMQPConfiguration(url: "amqp://127.0.0.1:\(server.port)", connectionName: "test")
        configuration.heartbeat = .seconds(1)
        let connection = try await Connection.open(configuration, host: configuration.hosts[0])
        let error = try await connection.ended.wait(timeout: .seconds(10))
        #expect(error.message.contains("silent"), "\(error.message)")
    }

    @Test func shutDownEndsSequencesAndWaits() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("ending"))
        let configuration = try AMQPConfiguration(url: broker.url, connectionName: "tests")
        let client = AMQPClient(configuration: configuration, topology: Topology(queues: [queue]), logger: quiet)
        let running = Task { try await client.run() }
        let deliveries = client.consume(queue: queue.name, prefetch: 1)
        try await client.waitUntilReady(timeout: .seconds(20))
        let consuming = Task { for await _ in deliveries {} }
        async let outcomes = client.publish(
            (0..<1000).map { _ in OutgoingMessage(routingKey: queue.name, body: []) },
            timeout: .seconds(10)
        )
        let began = ContinuousClock.now
        await client.shutDown()
        #expect(ContinuousClock.now - began < .seconds(8))
        await consuming.value
        try await running.value
        #expect(await outcomes.count == 1000)
        #expect(!client.isReady)
        await #expect(throws: AMQPError.self) { try await client.waitUntilReady(timeout: .seconds(5)) }
        await #expect(throws: AMQPError.self) { try await client.run() }
    }
}
