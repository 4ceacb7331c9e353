package import AMQP
package import Contracts
import FaultInjection
package import Logging
import ServiceLifecycle

/// Answers the requests of a manager's queue: decodes, hands over, replies to the caller's own reply queue.
///
/// A delivery is acknowledged when it is answered, so at most `prefetch` are under way.
package struct RequestServer: ServiceLifecycle.Service {
    package typealias Handler = @Sendable (Request) async -> Reply

    let queue: String
    let client: AMQPClient
    let logger: Logger
    let handler: Handler

    package init(queue: String, client: AMQPClient, logger: Logger, handler: @escaping Handler) {
        self.queue = queue
        self.client = client
        self.logger = logger
        self.handler = handler
    }

    private static let prefetch = 256

    package func run() async throws {
        let deliveries = client.consume(queue: queue, prefetch: RequestServer.prefetch)
        await withDiscardingTaskGroup { group in
            for await batch in deliveries.cancelOnGracefulShutdown() {
                for delivery in batch { group.addTask { await answer(delivery) } }
            }
        }
    }

    private func answer(_ delivery: Delivery) async {
        let reply: Reply
        var method = "unreadable"
        do throws(JSONError) {
            let request = try Request(json: try JSONValue(parsing: delivery.body))
            method = request.method
            reply = await handler(request)
        } catch {
            logger.warning("a request could not be read", metadata: ["reason": .string(error.message)])
            reply = .refused(Refusal(.invalidArgument, "INVALID_REQUEST", "the request could not be read: \(error)"))
        }
        CrashPoint.beforeReply.pass(method)
        if let replyTo = delivery.replyTo {
            let message = OutgoingMessage(
                routingKey: replyTo,
                body: reply.json.bytes,
                correlationID: delivery.correlationID,
                persistent: false
            )
            client.send([message])
        }
        CrashPoint.afterReply.pass(method)
        delivery.acknowledge()
    }
}

/// Asks managers, as another daemon.
package struct ManagerCaller: Sendable {
    package let client: AMQPClient
    package let names: BusNames

    package init(client: AMQPClient, names: BusNames) {
        self.client = client
        self.names = names
    }

    /// One request, tried once: the caller decides about repeating it. Throws an ``AMQPError`` when nobody answers in time.
    package func call(_ manager: Manager, _ request: Request, timeout: Duration = .seconds(5)) async throws -> Reply {
        let body = try await client.call(
            routingKey: names.requests(manager),
            body: request.json.bytes,
            timeout: timeout
        )
        return try Reply(json: try JSONValue(parsing: body))
    }
}
