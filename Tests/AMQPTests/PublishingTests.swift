import TestSupport
import Testing

@testable import AMQP

@Suite("Publishing to a broker")
struct PublishingTests {
    @Test func twentyThousandMessagesAreConfirmed() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("many"), kind: .quorum)
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let body = [UInt8](repeating: 65, count: 300)
            let began = ContinuousClock.now
            for _ in 0..<20 {
                let batch = (0..<1000).map { _ in OutgoingMessage(routingKey: queue.name, body: body) }
                let outcomes = await client.publish(batch, timeout: .seconds(20))
                #expect(outcomes.count == 1000)
                #expect(outcomes.allSatisfy { $0 == .acked })
            }
            print("20,000 confirmed publishes to a quorum queue in \(ContinuousClock.now - began)")
            var received = 0
            let consuming = ContinuousClock.now
            for await batch in client.consume(queue: queue.name, prefetch: 1000) {
                received += batch.count
                batch.acknowledgeAll()
                if received >= 20_000 { break }
            }
            print("20,000 deliveries acknowledged in \(ContinuousClock.now - consuming)")
            #expect(received == 20_000)
        }
    }

    @Test(arguments: [0, 1, 131_072 - 8, 131_072 - 7, 4 << 20])
    func bodiesOfEverySizePassThroughTheBroker(size: Int) async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("sizes"))
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let headers: [String: AMQPFieldValue] = [
                "n": 1, "deep": .table(["list": .array([.bool(true), .double(0.5), .timestamp(9), .void])]),
            ]
            let message = OutgoingMessage(
                routingKey: queue.name,
                body: body,
                messageID: "id",
                correlationID: "c",
                type: "t",
                headers: headers
            )
            #expect(await client.publish([message], timeout: .seconds(10)) == [.acked])
            for await batch in client.consume(queue: queue.name, prefetch: 10) {
                #expect(batch.count == 1)
                #expect(batch[0].body == body)
                #expect(batch[0].headers == headers)
                #expect(batch[0].messageID == "id")
                #expect(batch[0].type == "t")
                #expect(batch[0].contentType == "application/json")
                batch.acknowledgeAll()
                break
            }
        }
    }

    @Test func whatNoQueueTakesIsReturned() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("routed"))
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let outcomes = await client.publish(
                (0..<100).map { index in
                    OutgoingMessage(routingKey: index % 2 == 0 ? queue.name : "nowhere", body: [1], mandatory: true)
                },
                timeout: .seconds(10)
            )
            for (index, outcome) in outcomes.enumerated() {
                #expect(outcome == (index % 2 == 0 ? .acked : .returned(code: 312, text: "NO_ROUTE")))
            }
        }
    }

    @Test func anExchangeThatDoesNotExistClosesTheChannelOnly() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("after"))
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let wrong = await client.publish(
                [OutgoingMessage(exchange: "there-is-none", routingKey: "k", body: [])],
                timeout: .seconds(10)
            )
            #expect(wrong == [.unknown])
            try await eventually("publishing works again") {
                await client.publish([OutgoingMessage(routingKey: queue.name, body: [])], timeout: .seconds(5)) == [
                    .acked
                ]
            }
        }
    }

    @Test func aQueueWithOtherArgumentsIsAnErrorThatNamesTheArgument() async throws {
        let broker = try await PrivateBroker.shared.value
        let name = unique("argued")
        try await withClient(broker.url) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let first = Queue(name: name, arguments: ["x-max-length": 10])
            try await client.declare(Topology(queues: [first]), timeout: .seconds(10))
            try await client.declare(Topology(queues: [first]), timeout: .seconds(10))
            let error = await #expect(throws: AMQPError.self) {
                try await client.declare(
                    Topology(queues: [Queue(name: name, arguments: ["x-max-length": 11])]),
                    timeout: .seconds(10)
                )
            }
            #expect(error?.code == .preconditionFailed)
            #expect(error?.message.contains("'x-max-length' for queue '\(name)'") == true, "\(error?.message ?? "")")
            #expect(client.isReady)
        }
    }

    @Test func aBlockedConnectionPausesPublishingOnly() async throws {
        let broker = try await PrivateBroker.start()
        defer { broker.stop() }
        let queue = Queue(name: "blocked")
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let deliveries = client.consume(queue: queue.name, prefetch: 10)
            let message = OutgoingMessage(routingKey: queue.name, body: [7])
            #expect(await client.publish([message, message], timeout: .seconds(5)) == [.acked, .acked])
            var iterator = deliveries.makeAsyncIterator()
            try broker.rabbitmqctl(["set_vm_memory_high_watermark", "absolute", "1"])
            // The broker tells only those who publish.
            client.send([message])
            try await eventually("the broker blocks") { client.isBlocked }
            let began = ContinuousClock.now
            #expect(await client.publish([message], timeout: .milliseconds(300)) == [.unknown])
            #expect(ContinuousClock.now - began < .seconds(3))
            var received = 0
            while received < 2, let batch = await iterator.next() {
                received += batch.count
                batch.acknowledgeAll()
            }
            #expect(received >= 2)
            async let late = client.publish([message], timeout: .seconds(20))
            try broker.rabbitmqctl(["set_vm_memory_high_watermark", "absolute", "1GB"])
            #expect(await late == [.acked])
            #expect(!client.isBlocked)
        }
    }
}
