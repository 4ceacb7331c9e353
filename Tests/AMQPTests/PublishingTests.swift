import TestSupport
import Testing

@testable import AMQP

@Suite("Publishing to a broker")
struct PublishingTests {
    @Test func aHundredThousandMessagesAreConfirmed() async throws {
        let broker = try await PrivateBroker.shared.value
        let queue = Queue(name: unique("many"), kind: .quorum)
        try await withClient(broker.url, topology: Topology(queues: [queue])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let body = [UInt8](repeating: 65, count: 300)
            let began = ContinuousClock.now
            let acked = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var acked = 0
                        for _ in 0..<25 {
                            let batch = (0..<1000).map { _ in OutgoingMessage(routingKey: queue.name, body: body) }
                            acked += await client.publish(batch, timeout: .seconds(30)).count { $0 == .acked }
                        }
                        return acked
                    }
                }
                return await group.reduce(0, +)
            }
            print("100,000 publishes to a quorum queue confirmed in \(ContinuousClock.now - began)")
            #expect(acked == 100_000)
            #expect(try await messageCount(of: queue, client) == 100_000)
            var received = 0
            let consuming = ContinuousClock.now
            for await batch in client.consume(queue: queue.name, prefetch: 1000) {
                received += batch.count
                batch.acknowledgeAll()
                if received >= 100_000 { break }
            }
            print("100,000 deliveries acknowledged in \(ContinuousClock.now - consuming)")
            #expect(received == 100_000)
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
                headers: headers,
                userID: client.user
            )
            #expect(await client.publish([message], timeout: .seconds(10)) == [.acked])
            for await batch in client.consume(queue: queue.name, prefetch: 10) {
                #expect(batch.count == 1)
                #expect(batch[0].body == body)
                #expect(batch[0].headers == headers)
                #expect(batch[0].messageID == "id")
                #expect(batch[0].type == "t")
                #expect(batch[0].userID == "guest")
                #expect(batch[0].contentType == "application/json")
                batch.acknowledgeAll()
                break
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
        // The same is said to who waits for a client that declares it at its start.
        let other = Topology(queues: [Queue(name: name, arguments: ["x-max-length": 12])])
        try await withClient(broker.url, topology: other) { client in
            let error = await #expect(throws: AMQPError.self) { try await client.waitUntilReady(timeout: .seconds(1)) }
            #expect(error?.message.contains("'x-max-length' for queue '\(name)'") == true, "\(error?.message ?? "")")
        }
    }
}
