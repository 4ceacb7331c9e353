import AMQP
import Contracts
import Service

extension Topology {
    /// Where other engines take commands. A message is handed to one consumer once: `x-delivery-limit` 0 has the broker
    /// give it back, rather than to another consumer, when that one is lost.
    static func engines(_ routes: [EngineRoute], _ names: BusNames) -> Topology {
        guard !routes.isEmpty else { return Topology() }
        // Before those that give back into it.
        return Topology(
            queues: [.durable(names.undelivered, arguments: ["x-overflow": "reject-publish"])]
                + routes.map { route in
                    .durable(
                        names.dial(route: route.name),
                        arguments: [
                            "x-delivery-limit": 0, "x-overflow": "reject-publish",
                            "x-dead-letter-exchange": "", "x-dead-letter-strategy": "at-least-once",
                            "x-dead-letter-routing-key": .string(names.undelivered),
                        ]
                    )
                }
        )
    }
}
