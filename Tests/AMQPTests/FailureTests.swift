import TestSupport
import Testing

@testable import AMQP

@Suite("Failures")
struct FailureTests {
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

    @Test func aWrongPasswordIsSaid() async throws {
        let broker = try await PrivateBroker.shared.value
        let url = "amqp://guest:wrong-one@127.0.0.1:\(broker.port)"
        try await withClient(url) { client in
            let error = await #expect(throws: AMQPError.self) { try await client.waitUntilReady(timeout: .seconds(1)) }
            #expect(error?.code == .timedOut)
            #expect((error?.underlying as? AMQPError)?.code == .accessRefused)
            #expect(error?.message.contains("refused user 'guest'") == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("wrong-one") == false)
        }
    }

    @Test func nobodyListeningIsSaid() async throws {
        try await withClient("amqp://127.0.0.1:1") { client in
            let error = await #expect(throws: AMQPError.self) { try await client.waitUntilReady(timeout: .seconds(1)) }
            let expected = "cannot reach the broker at amqp://127.0.0.1:1: connection refused"
            #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
            #expect(
                await client.publish([OutgoingMessage(routingKey: "q", body: [])], timeout: .seconds(5)) == [.unknown]
            )
        }
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
