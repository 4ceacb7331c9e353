import NIOConcurrencyHelpers
import NIOCore
import TestSupport
import Testing

@testable import AMQP

@Suite("Channels that the broker closes")
struct ChannelTests {
    /// Publishes until a message is confirmed.
    private func publishEventually(_ client: AMQPClient, _ message: OutgoingMessage) async throws {
        try await eventually("publishing works") {
            await client.publish([message], timeout: .seconds(5)) == [.acked]
        }
    }

    @Test func anExchangeThatDoesNotExistClosesTheChannelOnly() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("after"))
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            let deliveries = client.consume(queue: queue.name, prefetch: 10)
            try await client.waitUntilReady(timeout: .seconds(20))
            let before = client.state.withLockedValue { ($0.publishConnection, $0.consumeConnection) }
            let wrong = await client.publish(
                [OutgoingMessage(exchange: "there-is-none", routingKey: "k", body: [])],
                timeout: .seconds(10)
            )
            #expect(wrong == [.unknown])
            // The channel of the calls lives on beside it.
            let call = await #expect(throws: AMQPError.self) {
                try await client.call(routingKey: unique("nobody"), body: [], timeout: .seconds(10))
            }
            #expect(call?.code == .returned)
            // The reason is told until all is well again.
            if let error = client.state.withLockedValue(\.lastError) {
                #expect(error.code == .notFound)
                #expect(error.message.contains("no exchange 'there-is-none'"), "\(error.message)")
            }
            try await publishEventually(client, OutgoingMessage(routingKey: queue.name, body: [5]))
            var iterator = deliveries.makeAsyncIterator()
            #expect(await iterator.next()?.first?.body == [5])
            let after = client.state.withLockedValue { ($0.publishConnection, $0.consumeConnection) }
            #expect(before.0 === after.0)
            #expect(before.1 === after.1)
        }
    }

    @Test func anAcknowledgementOfNothingClosesOneConsumersChannel() async throws {
        let broker = try await PrivateBroker.shared.value
        let (hit, spared) = (Queue(name: unique("hit")), Queue(name: unique("spared")))
        try await withClient(broker.url, topology: Topology(queues: [hit, spared])) { client in
            var hitDeliveries = client.consume(queue: hit.name, prefetch: 10).makeAsyncIterator()
            var sparedDeliveries = client.consume(queue: spared.name, prefetch: 10).makeAsyncIterator()
            try await client.waitUntilReady(timeout: .seconds(20))
            try await publishEventually(client, OutgoingMessage(routingKey: hit.name, body: [1]))
            try await publishEventually(client, OutgoingMessage(routingKey: spared.name, body: [2]))
            let first = await hitDeliveries.next()
            let kept = await sparedDeliveries.next()
            let connection = client.state.withLockedValue(\.consumeConnection)
            // The client itself never acknowledges twice, so its handler is made to.
            let number = try #require(await channelNumber(of: hit.name, client))
            connection?.eventLoop.execute {
                try? connection?.handler.value.write(.basicAck(tag: 4711, multiple: false), channel: number)
                connection?.handler.value.flush()
            }
            // What was not settled on the closed channel comes again; settling the old one has no effect.
            let again = await hitDeliveries.next()
            #expect(again?.first?.body == [1])
            #expect(again?.first?.redelivered == true)
            first?.acknowledgeAll()
            again?.acknowledgeAll()
            kept?.acknowledgeAll()
            try await client.waitUntilReady(timeout: .seconds(20))
            #expect(client.state.withLockedValue { $0.consumeConnection === connection })
            try await eventually("both queues are empty") {
                let list = try broker.rabbitmqctl(["list_queues", "name", "messages"])
                return list.contains("\(hit.name)\t0") && list.contains("\(spared.name)\t0")
            }
            try await publishEventually(client, OutgoingMessage(routingKey: spared.name, body: [3]))
            let next = await sparedDeliveries.next()
            #expect(next?.first?.body == [3])
            #expect(next?.first?.redelivered == false)
        }
    }

    private func channelNumber(of queue: String, _ client: AMQPClient) async throws -> UInt16? {
        let (consumer, connection) = client.state.withLockedValue { state in
            (state.consumers.values.first { $0.queue == queue }, state.consumeConnection)
        }
        guard let channel = consumer?.channel, let connection else { return nil }
        return try await connection.onLoop { _ in channel.value.number }
    }

    @Test func aDeclarationThatIsRefusedLeavesTheRestAlone() async throws {
        let broker = try await PrivateBroker.shared.value
        let exchange = unique("kind")
        try await withClient(broker.url) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let topic = Topology(exchanges: [Exchange(name: exchange, kind: .topic)])
            try await client.declare(topic, timeout: .seconds(10))
            let error = await #expect(throws: AMQPError.self) {
                let fanout = Topology(exchanges: [Exchange(name: exchange, kind: .fanout)])
                try await client.declare(fanout, timeout: .seconds(10))
            }
            #expect(error?.code == .preconditionFailed)
            #expect(error?.message.contains("'type' for exchange '\(exchange)'") == true, "\(error?.message ?? "")")
            let missing = await #expect(throws: AMQPError.self) {
                let binding = Binding(queue: unique("none"), exchange: exchange, routingKey: "#")
                try await client.declare(Topology(bindings: [binding]), timeout: .seconds(10))
            }
            #expect(missing?.code == .notFound)
            #expect(client.isReady)
            #expect(client.state.withLockedValue(\.topology) == topic)
        }
    }

    @Test func aConsumerComesBackWhenItsQueueIsDeleted() async throws {
        let broker = try await PrivateBroker.shared.value
        let (deleted, spared) = (Queue(name: unique("deleted")), Queue(name: unique("spared")))
        try await withClient(broker.url, topology: Topology(queues: [deleted, spared])) { client in
            var deliveries = client.consume(queue: deleted.name, prefetch: 10).makeAsyncIterator()
            var others = client.consume(queue: spared.name, prefetch: 10).makeAsyncIterator()
            try await client.waitUntilReady(timeout: .seconds(20))
            let connection = client.state.withLockedValue(\.consumeConnection)
            try await publishEventually(client, OutgoingMessage(routingKey: spared.name, body: [1], mandatory: true))
            let kept = await others.next()
            try broker.rabbitmqctl(["delete_queue", deleted.name])
            try await publishEventually(client, OutgoingMessage(routingKey: deleted.name, body: [9], mandatory: true))
            let batch = await deliveries.next()
            #expect(batch?.map(\.body) == [[9]])
            batch?.acknowledgeAll()
            kept?.acknowledgeAll()
            try await publishEventually(client, OutgoingMessage(routingKey: spared.name, body: [2], mandatory: true))
            #expect(await others.next()?.map(\.body) == [[2]])
            #expect(client.state.withLockedValue { $0.consumeConnection === connection })
        }
    }

    @Test func aConsumerOfSomebodyElsesQueueReportsItsEndAndWaitsForItsReturn() async throws {
        let broker = try await PrivateBroker.shared.value
        let foreign = Queue(name: unique("foreign"))
        try await withClient(broker.url, topology: Topology(queues: [foreign])) { owner in
            try await owner.waitUntilReady(timeout: .seconds(20))
            let change: (inout AMQPConfiguration) -> Void = { $0.retryDelay = .milliseconds(50) ... .milliseconds(200) }
            try await withClient(broker.url, change: change) { client in
                var deliveries = client.consume(queue: foreign.name, prefetch: 10).makeAsyncIterator()
                try await client.waitUntilReady(timeout: .seconds(20))
                try broker.rabbitmqctl(["delete_queue", foreign.name])
                try await eventually("the end is noticed") { !client.isReady }
                let error = await #expect(throws: AMQPError.self) {
                    try await client.waitUntilReady(timeout: .seconds(1))
                }
                #expect((error?.underlying as? AMQPError)?.code == .notFound)
                #expect(error?.message.contains("'\(foreign.name)'") == true, "\(error?.message ?? "")")
                try await owner.declare(Topology(queues: [foreign]), timeout: .seconds(10))
                try await client.waitUntilReady(timeout: .seconds(20))
                try await publishEventually(owner, OutgoingMessage(routingKey: foreign.name, body: [3]))
                #expect(await deliveries.next()?.map(\.body) == [[3]])
            }
        }
    }
}
