extension Connection {
    /// Takes a binding away; harmless when it does not exist.
    func unbind(_ binding: Binding, within limit: Duration) async throws {
        let channel = try await openRequestChannel(within: limit)
        defer { closeChannel(channel) }
        _ = try await request([.queueUnbind(binding)], channel: channel, within: limit)
    }
}

extension Connection {
    /// Declares exchanges, then queues, then bindings, with one round trip on a channel of its own.
    /// - Throws: the broker's refusal, which names the object and for `.preconditionFailed` the argument; `.timedOut`.
    func declare(_ topology: Topology, within limit: Duration? = nil) async throws {
        let deadline = limit.map { ContinuousClock.now + $0 }
        let steps: [Method] =
            topology.exchanges.map(Method.exchangeDeclare) + topology.queues.map(Method.queueDeclare)
            + topology.bindings.map(Method.queueBind)
        guard !steps.isEmpty else { return }
        let channel = try await openRequestChannel(within: limit)
        defer { closeChannel(channel) }
        do {
            _ = try await request(steps, channel: channel, within: deadline.map { max(.zero, $0 - .now) })
        } catch let error as AMQPError {
            throw AMQPError(
                error.code,
                "cannot declare the topology: \(error.message)",
                underlying: error,
                isRetriable: error.isRetriable
            )
        }
    }
}

extension Topology {
    /// Takes back an addition, except for what was there before.
    mutating func forget(_ addition: Topology, keeping before: Topology) {
        exchanges.removeAll { addition.exchanges.contains($0) && !before.exchanges.contains($0) }
        queues.removeAll { addition.queues.contains($0) && !before.queues.contains($0) }
        bindings.removeAll { addition.bindings.contains($0) && !before.bindings.contains($0) }
        // What the addition had replaced comes back.
        for exchange in before.exchanges where !exchanges.contains(where: { $0.name == exchange.name }) {
            exchanges.append(exchange)
        }
        for queue in before.queues where !queues.contains(where: { $0.name == queue.name }) { queues.append(queue) }
    }
}
