import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import AMQP

extension Faults {
    @Suite("A broker short of memory")
    struct AlarmTests {
        private static let waiting = Queue(name: "alarm-waiting")
        private static let inbox = Queue(name: "alarm-inbox")
        private static let message = OutgoingMessage(routingKey: inbox.name, body: [7])

        @Test func publishingPausesAndResumesOnTheSameConnection() async throws {
            let broker = try await Faults.broker()
            let topology = Topology(queues: [Self.waiting, Self.inbox])
            let change: (inout AMQPConfiguration) -> Void = { $0.heartbeat = .seconds(1) }
            try await withClient(broker.url, topology: topology, change: change) { client in
                try await client.waitUntilReady(timeout: .seconds(30))
                let backlog = (0..<200).map { OutgoingMessage(routingKey: Self.waiting.name, body: [UInt8($0)]) }
                let preloaded = await client.publish(backlog, timeout: .seconds(10))
                #expect(preloaded.allSatisfy { $0 == .acked })
                let connections = client.state.withLockedValue { ($0.publishConnection, $0.consumeConnection) }

                let stop = OneShot<Void>()
                let publishing = Task { await Self.publish(client, until: stop) }
                try await Self.raiseAlarm(broker, client)
                try await Self.checkWaits(client)
                try await Self.consumeAll(client, backlog.count)
                // Three heartbeat intervals in which nothing but heartbeats can be sent.
                #expect(await client.publish([Self.message], timeout: .seconds(3)) == [.unknown])
                #expect(client.isBlocked)
                #expect(client.isReady)

                async let late = client.publish([Self.message], timeout: .seconds(30))
                try broker.rabbitmqctl(["set_vm_memory_high_watermark", "absolute", "1GB"])
                #expect(await late == [.acked])
                #expect(!client.isBlocked)
                stop.complete(.success(()))
                let (longest, acked) = await publishing.value
                #expect(longest < .seconds(3))
                #expect(acked > 0)
                let after = client.state.withLockedValue { ($0.publishConnection, $0.consumeConnection) }
                #expect(connections.0 === after.0)
                #expect(connections.1 == nil)
                #expect(after.1 != nil)
                print("longest publish with a deadline of 1 s over an alarm: \(longest); confirmed \(acked)")
            }
        }

        /// Publishes batches that wait for at most 1 s; returns the longest wait and the number of the confirmed.
        private static func publish(_ client: AMQPClient, until stop: OneShot<Void>) async -> (Duration, Int) {
            var longest = Duration.zero
            var acked = 0
            while stop.result == nil {
                let began = ContinuousClock.now
                let outcomes = await client.publish(Array(repeating: message, count: 200), timeout: .seconds(1))
                longest = max(longest, ContinuousClock.now - began)
                acked += outcomes.count { $0 == .acked }
            }
            return (longest, acked)
        }

        private static func raiseAlarm(_ broker: PrivateBroker, _ client: AMQPClient) async throws {
            try broker.rabbitmqctl(["set_vm_memory_high_watermark", "absolute", "1"])
            try await eventually("the broker blocks") { client.isBlocked }
        }

        /// Every kind of wait on the blocked connection ends at its deadline or at its cancellation.
        private static func checkWaits(_ client: AMQPClient) async throws {
            let began = ContinuousClock.now
            let call = await #expect(throws: AMQPError.self) {
                try await client.call(routingKey: inbox.name, body: [], timeout: .milliseconds(200))
            }
            #expect(call?.code == .timedOut)
            let declared = await #expect(throws: AMQPError.self) {
                let topology = Topology(queues: [Queue(name: "alarm-late")])
                try await client.declare(topology, timeout: .milliseconds(200))
            }
            #expect(declared?.code == .timedOut)
            let publishing = Task { await client.publish([message], timeout: .seconds(60)) }
            publishing.cancel()
            #expect(await publishing.value == [.unknown])
            #expect(ContinuousClock.now - began < .seconds(2))
        }

        /// A consumer that begins during the alarm gets everything.
        private static func consumeAll(_ client: AMQPClient, _ count: Int) async throws {
            var received = 0
            for await batch in client.consume(queue: waiting.name, prefetch: 10) {
                received += batch.count
                batch.acknowledgeAll()
                if received >= count { break }
            }
            #expect(received == count)
        }
    }
}
