package import AMQP
package import Contracts
import Logging
import Metrics
import ServiceLifecycle

/// A daemon's place on the bus: its client, and the names below its prefix.
package struct Bus: Sendable {
    package let client: AMQPClient
    package let names: BusNames

    /// Makes the client of a daemon; it connects when its service runs. Throws ``ConfigurationError`` for a wrong address.
    package init(_ context: DaemonContext, topology: (BusNames) -> Topology) throws {
        names = BusNames(prefix: context.configuration.amqpPrefix)
        let setting = context.configuration.amqpURLName
        do throws(AMQPError) {
            var configuration = try AMQPConfiguration(
                url: context.configuration.amqpURL,
                connectionName: context.name
            )
            configuration.tls = context.configuration.amqpTLS
            let handler = BrokerLogHandler(context.logger.handler, user: configuration.user, setting: setting)
            client = AMQPClient(
                configuration: configuration,
                topology: topology(names),
                logger: Logger(label: context.logger.label) { _ in handler }
            )
        } catch {
            throw ConfigurationError("\(setting): \(error.message)")
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
                group.addTask { await watchClient() }
                try await client.run()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            // Its own task: the handler must not wait, and the client ends politely within its own limits.
            Task { await client.shutDown() }
        }
    }

    private func watchClient() async {
        let connected = Meter(label: "carillon_broker_connected")
        let blocked = Meter(label: "carillon_broker_blocked")
        while !Task.isCancelled {
            let isReady = client.isReady
            readiness.set("broker", ready: isReady, detail: "waiting for the broker")
            connected.set(isReady ? 1 : 0)
            blocked.set(client.isBlocked ? 1 : 0)
            try? await Task.sleep(for: .milliseconds(isReady ? 1000 : 50))
        }
    }
}
