import TestSupport
import Testing

@testable import AMQP

@Suite("Returned messages")
struct ReturnTests {
    private static let noRoute = PublishOutcome.returned(code: 312, text: "NO_ROUTE")

    @Test func whatNoQueueTakesIsReturned() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("routed"))
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            // One message id for all of them: which one is meant follows from the routing key.
            let outcomes = await client.publish(
                (0..<100).map { index in
                    let key = index % 2 == 0 ? queue.name : "nowhere"
                    return OutgoingMessage(routingKey: key, body: [1], messageID: "same", mandatory: true)
                },
                timeout: .seconds(10)
            )
            #expect(outcomes == (0..<100).map { $0 % 2 == 0 ? .acked : Self.noRoute })
        }
    }

    @Test func outcomesOfMessagesThatLookAlikeAreNotSwapped() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("copied"))
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let seed = UInt64.random(in: 0 ... .max)
            var generator = SplitMix(seed: seed)
            let routable = (0..<500).map { _ in Bool.random(using: &generator) }
            // Exchange, routing key and id are the same; a copy makes some of them routable.
            let messages = routable.enumerated().map { index, routable in
                OutgoingMessage(
                    routingKey: "nowhere",
                    body: [UInt8(truncatingIfNeeded: index)],
                    messageID: "same",
                    mandatory: true,
                    headers: routable ? ["CC": .array([.string(queue.name)])] : [:]
                )
            }
            // Three batches at once share the channel.
            async let first = client.publish(Array(messages[..<200]), timeout: .seconds(10))
            async let second = client.publish(Array(messages[200..<201]), timeout: .seconds(10))
            async let third = client.publish(Array(messages[201...]), timeout: .seconds(10))
            let outcomes = await first + second + third
            #expect(outcomes == routable.map { $0 ? .acked : Self.noRoute }, "seed \(seed)")

            let expected = routable.indices.filter { routable[$0] }.map { [UInt8(truncatingIfNeeded: $0)] }
            var received: [Delivery] = []
            for await batch in client.consume(queue: queue.name, prefetch: 1000) {
                received += batch
                batch.acknowledgeAll()
                if received.count >= expected.count { break }
            }
            #expect(Set(received.map(\.body)) == Set(expected))
            #expect(received.allSatisfy { Array($0.headers.keys) == ["CC"] })
        }
    }
}
