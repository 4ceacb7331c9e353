import TestSupport
import Testing

@testable import AMQP

@Suite("Several hosts")
struct HostsTests {
    private func readyAfter(_ hosts: String, connectTimeout: Duration) async throws -> Duration {
        let began = ContinuousClock.now
        let change: (inout AMQPConfiguration) -> Void = { $0.connectTimeout = connectTimeout }
        try await withClient("amqp://\(hosts)", change: change) { client in
            let queue = Queue(name: unique("hosts"))
            try await client.waitUntilReady(timeout: .seconds(20))
            try await client.declare(Topology(queues: [queue]), timeout: .seconds(10))
            let message = OutgoingMessage(routingKey: queue.name, body: [1], mandatory: true)
            #expect(await client.publish([message], timeout: .seconds(10)) == [.acked])
        }
        return ContinuousClock.now - began
    }

    @Test func aHostThatRefusesIsPassedAtOnce() async throws {
        let broker = try await PrivateBroker.shared.value
        let took = try await readyAfter("127.0.0.1:1,127.0.0.1:\(broker.port)", connectTimeout: .seconds(5))
        #expect(took < .seconds(3))
    }

    @Test func aHostThatTakesConnectionsAndSaysNothingIsPassedInTime() async throws {
        let broker = try await PrivateBroker.shared.value
        let hole = try await FakeBroker { _, _ in .deaf }
        defer { hole.stop() }
        let hosts = "127.0.0.1:\(hole.port),127.0.0.1:\(broker.port)"
        let took = try await readyAfter(hosts, connectTimeout: .milliseconds(500))
        #expect(took >= .milliseconds(500))
        #expect(took < .seconds(4))
        #expect(hole.accepted == 1)
    }

    @Test func aHostThatCannotBeReachedIsPassedInTime() async throws {
        let broker = try await PrivateBroker.shared.value
        // An address of documentation: no route, or no answer ever.
        let took = try await readyAfter("192.0.2.1:5672,127.0.0.1:\(broker.port)", connectTimeout: .milliseconds(500))
        #expect(took < .seconds(4))
    }

    @Test func anUnknownNameIsPassedInTime() async throws {
        let broker = try await PrivateBroker.shared.value
        let took = try await readyAfter("no-such-host.invalid,127.0.0.1:\(broker.port)", connectTimeout: .seconds(1))
        #expect(took < .seconds(6))
    }

    @Test func theClientMovesWhenItsHostGoes() async throws {
        let broker = try await PrivateBroker.shared.value
        let (first, second) = (try await TCPProxy(to: broker.port), try await TCPProxy(to: broker.port))
        try await second.stop()
        let queue = Queue(name: unique("moved"))
        let url = "amqp://127.0.0.1:\(first.port),127.0.0.1:\(second.port)"
        let change: (inout AMQPConfiguration) -> Void = { $0.retryDelay = .milliseconds(10) ... .milliseconds(200) }
        try await withClient(url, topology: Topology(queues: [queue]), change: change) { client in
            var deliveries = client.consume(queue: queue.name, prefetch: 10).makeAsyncIterator()
            let message = OutgoingMessage(routingKey: queue.name, body: [1], mandatory: true)
            // There and back again.
            for (gone, live) in [(second, first), (first, second), (second, first)] {
                try await gone.stop()
                if live.accepted == 0 || gone.accepted > 0 { try? await live.start() }
                let began = ContinuousClock.now
                try await eventually("a message is confirmed") {
                    await client.publish([message], timeout: .seconds(2)) == [.acked]
                }
                let batch = await deliveries.next()
                #expect(batch?.first?.body == [1])
                batch?.acknowledgeAll()
                #expect(ContinuousClock.now - began < .seconds(8))
            }
            #expect(first.accepted == 4)
            #expect(second.accepted == 2)
        }
        try await first.stop()
    }
}
