import AMQP
import Contracts
import Logging
import TestSupport
import Testing

@testable import Service

@Suite struct InboxConsumerTests {
    /// Of a batch with one bad document the good ones arrive, the bad one is parked, and the message is gone.
    @Test func onlyWhatCannotBeUnderstoodIsParked() async throws {
        let broker = try await PrivateBroker.shared.value
        let configuration = try AMQPConfiguration(url: broker.url, connectionName: "inbox-test")
        let names = BusNames(prefix: "inbox-consumer-test")
        let inbox = names.inbox(.campaign)
        var topology = Topology()
        topology.queues = [.durable(inbox), .durable(names.parked)]
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let client = AMQPClient(configuration: configuration, topology: topology, logger: logger)
        let arrived = Locked<[CallEvent]>([])
        let consumer = InboxConsumer(queue: inbox, names: names, client: client, logger: logger) { messages in
            for message in messages {
                if case .callEvents(let events) = message.content { arrived.withLock { $0 += events } }
            }
            IncomingMessage.acknowledge(messages)
            return true
        }
        let good: JSONValue = ["type": "call_ringing", "data": ["id": .id(ID(high: 1, low: 2))]]
        let bad: JSONValue = ["type": "call_singing", "data": ["id": .id(ID(high: 1, low: 3))]]
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            try await client.waitUntilReady(timeout: .seconds(20))
            group.addTask { try await consumer.run() }
            let messages = [
                OutgoingMessage(routingKey: inbox, body: JSONValue.array([good, bad, good]).bytes),
                OutgoingMessage(routingKey: inbox, body: Array("not JSON".utf8)),
                OutgoingMessage(routingKey: inbox, body: good.bytes),
            ]
            #expect(await client.publish(messages, timeout: .seconds(10)) == [.acked, .acked, .acked])
            #expect(await eventually { arrived.value.count == 3 })
            var parked: [JSONValue] = []
            for await batch in client.consume(queue: names.parked, prefetch: 10) {
                parked += try batch.map { try JSONValue(parsing: $0.body) }
                for delivery in batch { delivery.acknowledge() }
                if parked.count == 2 { break }
            }
            #expect(parked.allSatisfy { $0["queue"].string == inbox })
            #expect(parked.first?["reason"].string?.contains("call_singing") == true)
            await client.shutDown()
            group.cancelAll()
        }
        #expect(arrived.value.map(\.kind) == [.ringing, .ringing, .ringing])
    }
}
