package import AMQP
package import Contracts
import Foundation
package import Logging
import ServiceLifecycle

/// One message of a durable inbox, read: to be acknowledged when all of it is committed.
package struct IncomingMessage: Sendable {
    package enum Content: Sendable {
        case items([Item])
        case callEvents([CallEvent])
    }

    package let content: Content
    package let delivery: Delivery

    /// The items, when it holds any.
    package var items: [Item] {
        if case .items(let items) = content { items } else { [] }
    }
}

/// Takes messages of a durable inbox and hands them on in batches; what cannot be understood is parked, never dropped.
package struct InboxConsumer: ServiceLifecycle.Service {
    /// Takes a batch; false when its queue is full, then it is offered again.
    package typealias Sink = @Sendable ([IncomingMessage]) -> Bool

    let queue: String
    let names: BusNames
    let client: AMQPClient
    let logger: Logger
    let clock: @Sendable () -> Timestamp
    let prefetch: Int
    let sink: Sink

    package init(
        queue: String,
        names: BusNames,
        client: AMQPClient,
        logger: Logger,
        prefetch: Int = 1000,
        clock: @escaping @Sendable () -> Timestamp = Clock.wall,
        sink: @escaping Sink
    ) {
        self.queue = queue
        self.names = names
        self.client = client
        self.logger = logger
        self.clock = clock
        self.prefetch = prefetch
        self.sink = sink
    }

    package func run() async throws {
        for await batch in client.consume(queue: queue, prefetch: prefetch).cancelOnGracefulShutdown() {
            var messages: [IncomingMessage] = []
            messages.reserveCapacity(batch.count)
            for delivery in batch {
                do throws(JSONError) {
                    messages.append(IncomingMessage(content: try read(delivery), delivery: delivery))
                } catch {
                    await park(delivery, reason: error.message)
                }
            }
            while !messages.isEmpty, !sink(messages) {
                // The prefetch holds further messages back while the writer catches up.
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    private func read(_ delivery: Delivery) throws(JSONError) -> IncomingMessage.Content {
        let json = try JSONValue(parsing: delivery.body)
        if json["items"].array != nil { return .items(try Item.items(of: json)) }
        return .callEvents([try CallEvent(json: json, receivedAt: clock())])
    }

    /// Confirmed first, acknowledged then: a message is in one queue or the other at every moment.
    private func park(_ delivery: Delivery, reason: String) async {
        logger.warning("parked a message that could not be understood", metadata: ["reason": .string(reason)])
        let envelope: JSONValue = [
            "queue": .string(queue), "reason": .string(reason), "routing_key": .string(delivery.routingKey),
            "message_id": .optional(delivery.messageID), "parked_at": .string(clock().rfc3339),
            "body_base64": .string(Data(delivery.body).base64EncodedString()),
        ]
        let message = OutgoingMessage(routingKey: names.parked, body: envelope.bytes, mandatory: true)
        while !Task.isCancelled {
            if await client.publish([message], timeout: .seconds(10)).first == .acked {
                delivery.acknowledge()
                return
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
    }
}
