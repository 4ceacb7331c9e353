package import AMQP
package import Contracts

extension Topology {
    /// What every daemon declares: the exchanges, and where messages go that nobody understands.
    package static func shared(_ names: BusNames) -> Topology {
        Topology(
            exchanges: [
                Exchange(name: names.events, kind: .topic, durable: true),
                Exchange(name: names.calls, kind: .topic, durable: true),
            ],
            queues: [.durable(names.parked)]
        )
    }

    /// A manager's own queues. Requests are not durable and go with their consumer, so that a request to a manager that
    /// is down comes back at once.
    package static func manager(_ manager: Manager, _ names: BusNames, takesCallEvents: Bool) -> Topology {
        var topology = shared(names)
        topology.queues.append(
            Queue(
                name: names.requests(manager),
                kind: .classic,
                durable: false,
                autoDelete: true,
                exclusive: false,
                arguments: [:]
            )
        )
        topology.queues.append(.durable(names.inbox(manager)))
        if takesCallEvents {
            topology.bindings.append(Binding(queue: names.inbox(manager), exchange: names.calls, routingKey: "#"))
        }
        return topology
    }
}

extension Queue {
    /// A durable quorum queue: its confirms mean that the message is on disk.
    package static func durable(_ name: String, arguments: [String: AMQPFieldValue] = [:]) -> Queue {
        Queue(name: name, kind: .quorum, durable: true, autoDelete: false, exclusive: false, arguments: arguments)
    }
}
