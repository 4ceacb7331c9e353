import TestSupport
import Testing

@testable import AMQP

@Suite("Calls over a broker")
struct CallTests {
    @Test func fiftyOfFiftyCallsAreAnsweredWhileAConsumerRuns() async throws {
        let broker = try await PrivateBroker.shared.value
        let requests = Queue(name: unique("requests"), durable: false)
        let inbox = Queue(name: unique("inbox"))
        let topology = Topology(queues: [requests, inbox])
        try await withClient(broker.url, topology: topology) { server in
            let incoming = server.consume(queue: requests.name, prefetch: 50)
            let answering = Task {
                for await batch in incoming {
                    server.send(
                        batch.map { request in
                            OutgoingMessage(
                                routingKey: request.replyTo ?? "",
                                body: request.body + [1],
                                correlationID: request.correlationID,
                                persistent: false
                            )
                        }
                    )
                    batch.acknowledgeAll()
                }
            }
            try await withClient(broker.url, topology: topology) { client in
                let deliveries = client.consume(queue: inbox.name, prefetch: 100)
                let counting = Task {
                    var count = 0
                    for await batch in deliveries {
                        count += batch.count
                        batch.acknowledgeAll()
                        if count == 500 { break }
                    }
                    return count
                }
                try await server.waitUntilReady(timeout: .seconds(20))
                try await client.waitUntilReady(timeout: .seconds(20))
                async let published = client.publish(
                    (0..<500).map { _ in OutgoingMessage(routingKey: inbox.name, body: []) },
                    timeout: .seconds(20)
                )
                let replies = try await withThrowingTaskGroup(of: (UInt8, [UInt8]).self) { group in
                    for index in UInt8(0)..<50 {
                        group.addTask {
                            (
                                index,
                                try await client.call(routingKey: requests.name, body: [index], timeout: .seconds(10))
                            )
                        }
                    }
                    return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                #expect(replies.count == 50)
                for (index, reply) in replies { #expect(reply == [index, 1]) }
                #expect(await published.allSatisfy { $0 == .acked })
                #expect(await counting.value == 500)
            }
            answering.cancel()
            await answering.value
        }
    }

    @Test func aCallToNobodyIsReturnedAtOnce() async throws {
        let broker = try await PrivateBroker.shared.value
        try await withClient(broker.url) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let began = ContinuousClock.now
            let error = await #expect(throws: AMQPError.self) {
                try await client.call(routingKey: unique("nobody"), body: [], timeout: .seconds(30))
            }
            #expect(error?.code == .returned)
            #expect(error?.isRetriable == true)
            #expect(ContinuousClock.now - began < .seconds(5))
        }
    }

    @Test func aCallThatNobodyAnswersEndsAtItsDeadline() async throws {
        let broker = try await PrivateBroker.shared.value
        let silent = Queue(name: unique("silent"), durable: false)
        try await withClient(broker.url, topology: Topology(queues: [silent])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            let began = ContinuousClock.now
            let error = await #expect(throws: AMQPError.self) {
                try await client.call(routingKey: silent.name, body: [], timeout: .milliseconds(300))
            }
            #expect(error?.code == .timedOut)
            #expect(ContinuousClock.now - began >= .milliseconds(300))
            #expect(ContinuousClock.now - began < .seconds(5))
        }
    }

    @Test func twoCallsOfOneIDAreRefusedAndACancelledCallEnds() async throws {
        let broker = try await PrivateBroker.shared.value
        let silent = Queue(name: unique("silent"), durable: false)
        try await withClient(broker.url, topology: Topology(queues: [silent])) { client in
            try await client.waitUntilReady(timeout: .seconds(20))
            func call(_ timeout: Duration) -> Task<AMQPError.Code?, Never> {
                Task {
                    do {
                        _ = try await client.call(
                            routingKey: silent.name,
                            body: [],
                            timeout: timeout,
                            correlationID: "same"
                        )
                        return nil
                    } catch { return (error as? AMQPError)?.code }
                }
            }
            let (one, other) = (call(.seconds(1)), call(.seconds(1)))
            #expect(Set([await one.value, await other.value]) == [.timedOut, .invalidArgument])

            let began = ContinuousClock.now
            let cancelled = call(.seconds(60))
            cancelled.cancel()
            #expect(await cancelled.value == nil)
            #expect(ContinuousClock.now - began < .seconds(5))
        }
    }
}
