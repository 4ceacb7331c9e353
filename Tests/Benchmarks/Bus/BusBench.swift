import AMQP
import Contracts
import Glibc
import TestSupport

/// Confirmed publishing to a quorum queue, and consuming from it with acknowledgements, beside a loop on librabbitmq.
struct BusBench {
    private static let queue = "bench"
    /// The messages of one part of a pair.
    private static let windows = [(window: 1, messages: 400), (100, 10_000), (1000, 40_000)]
    private static let bodySize = 300

    private let settings: BenchSettings
    private let body: [UInt8]

    init(_ settings: BenchSettings) {
        self.settings = settings
        body = Sample.data(size: BusBench.bodySize)
    }

    func publish() async throws -> [BenchResult] {
        try await withBroker { url, floor in
            try await withReadyClient(url) { client in
                var results: [BenchResult] = []
                for (window, messages) in BusBench.windows {
                    let count = settings.amount(messages)
                    settings.say("publish, window \(window): \(settings.pairs) pairs of 4 times \(count) messages")
                    let pairs = try await Pair.rates(settings.pairs, ofParts: count) {
                        defer { try? floor.purge(BusBench.queue) }
                        return try await publish(count, window: window, client)
                    } floor: {
                        defer { try? floor.purge(BusBench.queue) }
                        return try floor.publish(body, to: BusBench.queue, count: count, window: window)
                    }
                    results.append(BenchResult("publish, window \(window)", "msg/s", pairs, note: note))
                }
                return results
            }
        }
    }

    func consume() async throws -> [BenchResult] {
        try await withBroker { url, floor in
            var results: [BenchResult] = []
            for (window, messages) in BusBench.windows {
                let count = settings.amount(messages)
                settings.say("consume, window \(window): \(settings.pairs) pairs of 4 times \(count) messages")
                let pairs = try await Pair.rates(settings.pairs, ofParts: count) {
                    _ = try floor.publish(body, to: BusBench.queue, count: count, window: 1000)
                    return try await consume(count, window: window, url)
                } floor: {
                    _ = try floor.publish(body, to: BusBench.queue, count: count, window: 1000)
                    return try floor.consume(BusBench.queue, count: count, window: window)
                }
                results.append(BenchResult("consume, prefetch \(window)", "msg/s", pairs, note: consumeNote))
            }
            return results
        }
    }

    private var note: String {
        "quorum queue, persistent, \(BusBench.bodySize) B, each confirmed; floor: librabbitmq, the same window"
    }

    private var consumeNote: String {
        "quorum queue, \(BusBench.bodySize) B, acknowledged by `multiple` as it comes; floor: librabbitmq, likewise"
    }

    // MARK: - Ours

    /// Ten batches under way at a time, or one of one message.
    private func publish(_ count: Int, window: Int, _ client: AMQPClient) async throws -> Double {
        let publishers = min(10, window)
        let size = window / publishers
        let batch = Array(repeating: OutgoingMessage(routingKey: BusBench.queue, body: body), count: size)
        return try await seconds {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for publisher in 0..<publishers {
                    let share = count / publishers + (publisher < count % publishers ? 1 : 0)
                    group.addTask {
                        var left = share
                        while left > 0 {
                            let messages = left >= size ? batch : Array(batch.prefix(left))
                            let outcomes = await client.publish(messages, timeout: .seconds(60))
                            guard outcomes.allSatisfy({ $0 == .acked }) else {
                                throw BenchFailure("the broker did not confirm a message")
                            }
                            left -= messages.count
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    private func consume(_ count: Int, window: Int, _ url: String) async throws -> Double {
        try await withReadyClient(url) { client in
            // Connecting is not measured: the first consumer makes the client connect, this one measures.
            try await client.declare(Topology(queues: [Queue(name: "bench-empty")]), timeout: .seconds(10))
            _ = client.consume(queue: "bench-empty", prefetch: 1)
            try await client.waitUntilReady(timeout: .seconds(10))
            return try await seconds {
                var received = 0
                for await batch in client.consume(queue: BusBench.queue, prefetch: window) {
                    batch.acknowledgeAll()
                    received += batch.count
                    if received >= count { return }
                }
                throw BenchFailure("the client ended after \(received) of \(count) messages")
            }
        }
    }

    // MARK: - What both need

    private func withBroker<Result>(_ body: (String, FloorBus) async throws -> Result) async throws -> Result {
        settings.say("starting a broker")
        let broker = try await PrivateBroker.start()
        let pid = broker.pid
        Stopper.shared.add(pid, signal: SIGKILL)
        defer {
            broker.stop()
            Stopper.shared.forget(pid)
        }
        let url = broker.url
        try await withReadyClient(url) { client in
            let queue = Queue(name: BusBench.queue, kind: .quorum)
            try await client.declare(Topology(queues: [queue]), timeout: .seconds(20))
        }
        let floor = try FloorBus(url: url)
        // The first messages of a queue are slow for whoever publishes them.
        _ = try floor.publish(self.body, to: BusBench.queue, count: 5000, window: 1000)
        try floor.purge(BusBench.queue)
        return try await body(url, floor)
    }
}

/// Runs a client that is connected for the length of `body`.
func withReadyClient<Result: Sendable>(
    _ url: String,
    _ body: (AMQPClient) async throws -> Result
) async throws -> Result {
    try await withClient(url, name: "bench") { client in
        try await client.waitUntilReady(timeout: .seconds(20))
        return try await body(client)
    }
}
