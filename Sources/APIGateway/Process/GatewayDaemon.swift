import AMQP
import Contracts
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
package import Service
package import ServiceLifecycle

/// The services of one gateway process: the bus, and the HTTP server over it.
///
/// - Throws: `ConfigurationError` for a wrong flag or variable.
package func buildGatewayDaemon(
    _ options: GatewayOptions,
    _ context: DaemonContext
) throws -> [any ServiceLifecycle.Service] {
    let settings = try GatewaySettings(options, environment: context.environment)
    let bus = try Bus(context) { Topology.shared($0) }
    let client = bus.client
    context.readiness.set("http", ready: false, detail: "waiting to listen")
    let application = buildGateway(
        client: BusManagerClient(names: bus.names, bus: client),
        configuration: settings.gateway,
        address: .hostname(settings.host, port: settings.port),
        logger: context.logger,
        isConnected: { client.isReady },
        onListening: { host, port in
            context.logger.info("listening", metadata: ["address": "http://\(host):\(port)"])
            context.readiness.set("http", ready: true)
            guard let path = settings.portFile else { return }
            do {
                try ListenFile.write(host: host, port: port, to: path)
            } catch {
                context.logger.error("no port file", metadata: ["error": "\(error)"])
            }
        }
    )
    return [
        BusService(client: client, readiness: context.readiness),
        HTTPService(application: application, address: "\(settings.host):\(settings.port)"),
    ]
}

/// The HTTP server, whose failure to listen is told in words.
private struct HTTPService: ServiceLifecycle.Service {
    let application: Application<GatewayResponder>
    let address: String

    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            let problem = error.errnoCode == EADDRINUSE ? "the address is in use" : "\(error)"
            throw StartupError(
                "cannot listen on \(address): \(problem); stop the other process or choose another with --http-listen"
            )
        }
    }
}
