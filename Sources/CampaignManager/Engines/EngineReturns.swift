package import AMQP
import Contracts
package import EventLog
package import Logging
import ServiceLifecycle

/// Takes back the commands that no engine took in time, that one refused, or that one took and did not answer for.
package struct EngineReturns: ServiceLifecycle.Service {
    let queue: String
    let client: AMQPClient
    let writer: LogWriter<CampaignInput>
    let logger: Logger

    package init(queue: String, client: AMQPClient, writer: LogWriter<CampaignInput>, logger: Logger) {
        self.queue = queue
        self.client = client
        self.writer = writer
        self.logger = logger
    }

    package func run() async throws {
        for await batch in client.consume(queue: queue, prefetch: 200).cancelOnGracefulShutdown() {
            var inputs: [CampaignInput] = []
            for delivery in batch {
                guard let attempt = EngineReturns.attempt(delivery) else {
                    logger.warning("a message among the undelivered commands is no command")
                    delivery.acknowledge()
                    continue
                }
                let reason = EngineReturns.reason(delivery.headers)
                inputs.append(.undelivered(attempt: attempt, reason: reason, acknowledge: { delivery.acknowledge() }))
            }
            while !inputs.isEmpty, !writer.submit(inputs) { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    private static func attempt(_ delivery: Delivery) -> ID? {
        (try? JSONValue(parsing: delivery.body))?["data"]["attempt_id"].id
    }

    /// Why the broker gave it back: `expired`, `rejected`, `delivery_limit` or `maxlen`.
    static func reason(_ headers: [String: AMQPFieldValue]) -> String {
        if case .string(let reason)? = headers["x-first-death-reason"] { return reason }
        if case .array(let deaths)? = headers["x-death"], case .table(let first)? = deaths.last,
            case .string(let reason)? = first["reason"]
        {
            return reason
        }
        return "unknown"
    }
}
