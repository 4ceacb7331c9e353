import AMQP
import Contracts
import Logging
import Service
import TestSupport

/// Hears everything that goes over a broker: what is published anywhere, by the broker's tracing (`rabbitmqctl trace_on`
/// copies it to amq.rabbitmq.trace), and the events that arrive in a queue of its own.
final class WireTap: Sendable {
    /// What was published.
    struct Message: Sendable {
        var exchange: String
        var routingKey: String
        var correlationID: String?
        var contentType: String?
        var body: [UInt8]
    }

    let names: BusNames
    private let broker: PrivateBroker
    private let client: AMQPClient
    private let connection: Task<Void, any Error>
    private let taps: [Task<Void, Never>]
    private let traced = Locked<[Message]>([])
    private let heard = Locked<[Message]>([])

    private static let queues = ["tap.trace", "tap.events"]
    /// Far more than a test needs; what is above is counted as lost.
    private static let limit = 200_000

    /// Begins to listen; from its return on nothing is missed.
    init(on broker: PrivateBroker, prefix: String) async throws {
        self.broker = broker
        names = BusNames(prefix: prefix)
        try broker.rabbitmqctl(["trace_on"])
        var topology = Topology.shared(names)
        topology.queues += WireTap.queues.map { Queue(name: $0) }
        topology.bindings = [
            Binding(queue: "tap.trace", exchange: "amq.rabbitmq.trace", routingKey: "publish.#"),
            Binding(queue: "tap.events", exchange: names.events, routingKey: "#"),
        ]
        let client = AMQPClient(
            configuration: try AMQPConfiguration(url: broker.url, connectionName: "tap"),
            topology: topology,
            logger: Logger(label: "tap") { _ in SwiftLogNoOpLogHandler() }
        )
        self.client = client
        connection = Task { try await client.run() }
        let (trace, events) = (
            client.consume(queue: "tap.trace", prefetch: 500), client.consume(queue: "tap.events", prefetch: 500)
        )
        taps = [
            Task { [traced] in
                for await batch in trace {
                    traced.withLock { $0 += batch.compactMap(WireTap.original).prefix(WireTap.limit - $0.count) }
                    batch.acknowledgeAll()
                }
            },
            Task { [heard] in
                for await batch in events {
                    heard.withLock { $0 += batch.map(WireTap.plain).prefix(WireTap.limit - $0.count) }
                    batch.acknowledgeAll()
                }
            },
        ]
        try await client.waitUntilReady(timeout: .seconds(30))
    }

    /// Everything that was published, in order; without the copies that tracing itself publishes.
    var published: [Message] { traced.value }
    /// The messages that arrived from the exchange of events, in order.
    var events: [Message] { heard.value }

    /// Publishes to the exchange of calls, as another dialing engine would.
    func report(_ event: JSONValue, type: String) async {
        let message = OutgoingMessage(exchange: names.calls, routingKey: type, body: event.bytes)
        _ = await client.publish([message], timeout: .seconds(10))
    }

    /// Waits until nothing is left in its queues and stops listening.
    func finish() async throws {
        try await eventually("the tap has heard everything", within: .seconds(60)) {
            let counts = try broker.rabbitmqctl(["list_queues", "name", "messages"])
            return counts.split(separator: "\n").filter { $0.hasPrefix("tap.") }
                .allSatisfy { $0.split(whereSeparator: \.isWhitespace).last == "0" }
        }
        await client.shutDown()
        try await connection.value
        for tap in taps { await tap.value }
    }

    /// How many messages wait in a queue.
    func count(in queue: String) throws -> Int {
        let counts = try broker.rabbitmqctl(["list_queues", "name", "messages"])
        let line = counts.split(separator: "\n").first { $0.split(whereSeparator: \.isWhitespace).first == queue[...] }
        return line?.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) } ?? 0
    }

    private static func plain(_ delivery: Delivery) -> Message {
        Message(
            exchange: delivery.exchange,
            routingKey: delivery.routingKey,
            correlationID: delivery.correlationID,
            contentType: delivery.contentType,
            body: delivery.body
        )
    }

    /// What tracing says of the message that it copied.
    private static func original(_ delivery: Delivery) -> Message? {
        guard case .string(let exchange)? = delivery.headers["exchange_name"],
            case .array(let keys)? = delivery.headers["routing_keys"], case .string(let key)? = keys.first,
            case .table(let properties)? = delivery.headers["properties"]
        else { return nil }
        func text(_ name: String) -> String? {
            if case .string(let text)? = properties[name] { text } else { nil }
        }
        return Message(
            exchange: exchange,
            routingKey: key,
            correlationID: text("correlation_id"),
            contentType: text("content_type"),
            body: delivery.body
        )
    }
}
