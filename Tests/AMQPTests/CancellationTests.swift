import TestSupport
import Testing

@testable import AMQP

@Suite("Cancellation")
struct CancellationTests {
    /// A broker that opens everything and confirms and answers nothing.
    private func withSilentBroker(_ body: (AMQPClient) async throws -> Void) async throws {
        let server = try await FakeBroker { _, _ in .proper }
        defer { server.stop() }
        try await withClient("amqp://127.0.0.1:\(server.port)") { client in
            try await client.waitUntilReady(timeout: .seconds(10))
            try await body(client)
        }
    }

    @Test func aCancelledPublishEndsAtOnce() async throws {
        try await withSilentBroker { client in
            let message = OutgoingMessage(routingKey: "q", body: [1])
            for delay in [Duration.zero, .zero, .milliseconds(1), .milliseconds(50)] {
                let publishing = Task { await client.publish([message, message], timeout: .seconds(60)) }
                if delay > .zero { try await Task.sleep(for: delay) }
                let began = ContinuousClock.now
                publishing.cancel()
                #expect(await publishing.value == [.unknown, .unknown])
                #expect(ContinuousClock.now - began < .seconds(1))
            }
        }
    }

    @Test func aCancelledPublishTellsWhatIsKnown() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("cancelled"))
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let messages = (0..<20_000).map { _ in OutgoingMessage(routingKey: queue.name, body: [1]) }
            let publishing = Task { await client.publish(messages, timeout: .seconds(60)) }
            try await somethingArrives(in: queue, client)
            publishing.cancel()
            let outcomes = await publishing.value
            #expect(outcomes.count == 20_000)
            #expect(outcomes.allSatisfy { $0 == .acked || $0 == .unknown })
            #expect(await client.publish([messages[0]], timeout: .seconds(10)) == [.acked])
            let confirmed = outcomes.count { $0 == .acked } + 1
            let present = try await messageCount(of: queue, client)
            #expect((confirmed...20_001).contains(present))
            print("cancelled in the middle: \(confirmed) confirmed, \(present) arrived")
        }
    }

    private func somethingArrives(in queue: Queue, _ client: AMQPClient) async throws {
        try await eventually("the first have arrived") { try await messageCount(of: queue, client) > 0 }
    }

    @Test func aCancelledCallEndsAtOnce() async throws {
        try await withSilentBroker { client in
            for delay in [Duration.zero, .milliseconds(50)] {
                let calling = Task { try await client.call(routingKey: "q", body: [], timeout: .seconds(60)) }
                if delay > .zero { try await Task.sleep(for: delay) }
                let began = ContinuousClock.now
                calling.cancel()
                await #expect(throws: CancellationError.self) { try await calling.value }
                #expect(ContinuousClock.now - began < .seconds(1))
            }
        }
    }

    @Test func everyOtherWaitEndsToo() async throws {
        try await withClient("amqp://127.0.0.1:1") { client in
            let deliveries = client.consume(queue: "q", prefetch: 1)
            let waits: [Task<Void, any Error>] = [
                Task { try await client.waitUntilReady(timeout: .seconds(60)) },
                Task { try await client.declare(Topology(queues: [Queue(name: "q")]), timeout: .seconds(60)) },
                Task { for await _ in deliveries {} },
            ]
            let began = ContinuousClock.now
            for wait in waits {
                wait.cancel()
                _ = await wait.result
            }
            #expect(ContinuousClock.now - began < .seconds(1))
        }
    }
}
