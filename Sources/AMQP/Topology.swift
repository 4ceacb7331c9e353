/// The exchanges, queues and bindings that a client needs; declared on every connection.
package struct Topology: Sendable, Hashable {
    package var exchanges: [Exchange]
    package var queues: [Queue]
    package var bindings: [Binding]

    package init(exchanges: [Exchange] = [], queues: [Queue] = [], bindings: [Binding] = []) {
        self.exchanges = exchanges
        self.queues = queues
        self.bindings = bindings
    }

    /// Adds what `other` has; an exchange or queue of the same name is replaced.
    package mutating func merge(_ other: Topology) {
        for exchange in other.exchanges {
            exchanges.removeAll { $0.name == exchange.name }
            exchanges.append(exchange)
        }
        for queue in other.queues {
            queues.removeAll { $0.name == queue.name }
            queues.append(queue)
        }
        for binding in other.bindings where !bindings.contains(binding) {
            bindings.append(binding)
        }
    }

    /// What may be declared on a connection that is not the consumers': an exclusive queue belongs to its connection.
    var withoutExclusiveQueues: Topology {
        let exclusive = Set(queues.filter(\.exclusive).map(\.name))
        guard !exclusive.isEmpty else { return self }
        return Topology(
            exchanges: exchanges,
            queues: queues.filter { !$0.exclusive },
            bindings: bindings.filter { !exclusive.contains($0.queue) }
        )
    }

    /// What a consumer of one queue needs before it can begin.
    func part(forQueue name: String) -> Topology {
        let wanted = bindings.filter { $0.queue == name }
        let sources = Set(wanted.map(\.exchange))
        let queues = queues.filter { $0.name == name }
        guard !queues.isEmpty else { return Topology() }
        return Topology(exchanges: exchanges.filter { sources.contains($0.name) }, queues: queues, bindings: wanted)
    }
}

/// Where messages are published.
package struct Exchange: Sendable, Hashable {
    /// How an exchange chooses queues.
    package enum Kind: String, Sendable, Hashable {
        case topic, fanout, direct
    }

    package var name: String
    package var kind: Kind
    /// Whether it survives a restart of the broker.
    package var durable: Bool

    package init(name: String, kind: Kind, durable: Bool = true) {
        self.name = name
        self.kind = kind
        self.durable = durable
    }
}

/// Where messages wait.
package struct Queue: Sendable, Hashable {
    /// How a queue keeps its messages.
    package enum Kind: String, Sendable, Hashable {
        /// On one node.
        case classic
        /// Replicated and flushed to disk before it confirms.
        case quorum
    }

    package var name: String
    package var kind: Kind
    package var durable: Bool
    /// Whether it goes with its last consumer.
    package var autoDelete: Bool
    /// Whether it belongs to the consume connection and goes with it.
    package var exclusive: Bool
    /// Further arguments; `x-queue-type` is added for a quorum queue.
    package var arguments: [String: AMQPFieldValue]

    package init(
        name: String,
        kind: Kind = .classic,
        durable: Bool = true,
        autoDelete: Bool = false,
        exclusive: Bool = false,
        arguments: [String: AMQPFieldValue] = [:]
    ) {
        self.name = name
        self.kind = kind
        self.durable = durable
        self.autoDelete = autoDelete
        self.exclusive = exclusive
        self.arguments = arguments
    }

    /// The arguments as they are declared.
    var declaredArguments: [String: AMQPFieldValue] {
        guard kind == .quorum else { return arguments }
        return arguments.merging(["x-queue-type": "quorum"]) { own, _ in own }
    }
}

/// Which messages of an exchange go to a queue.
package struct Binding: Sendable, Hashable {
    package var queue: String
    package var exchange: String
    package var routingKey: String

    package init(queue: String, exchange: String, routingKey: String) {
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
    }
}
