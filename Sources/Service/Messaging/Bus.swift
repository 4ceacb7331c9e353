package import AMQP
package import Contracts
import ServiceLifecycle

/// A daemon's place on the bus: its client, and the names below its prefix.
package struct Bus: Sendable {
    package let client: AMQPClient
    package let names: BusNames

    /// Makes the client of a daemon; it connects when its service runs. Throws ``ConfigurationError`` for a wrong address.
    package init(_ context: DaemonContext, topology: (BusNames) -> Topology) throws {
        names = BusNames(prefix: context.configuration.amqpPrefix)
        do throws(AMQPError) {
            let configuration = try AMQPConfiguration(
                url: context.configuration.amqpURL, connectionName: context.name
            )
            client = AMQPClient(configuration: configuration, topology: topology(names), logger: context.logger)
        } catch {
            throw ConfigurationError("CARILLON_AMQP_URL: \(error.message)")
        }
    }
}

/// Runs the client, and keeps the readiness of its daemon in step with it.
package struct BusService: ServiceLifecycle.Service {
    let client: AMQPClient
    let readiness: Readiness

    package init(client: AMQPClient, readiness: Readiness) {
        self.client = client
        self.readiness = readiness
    }

    package func run() async throws {
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        readiness.set("broker", ready: client.isReady, detail: "waiting for the broker")
                        try? await Task.sleep(for: .milliseconds(client.isReady ? 1000 : 50))
                    }
                }
                try await client.run()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            // Its own task: the handler must not wait, and the client ends politely within its own limits.
            Task { await client.shutDown() }
        }
    }
}
