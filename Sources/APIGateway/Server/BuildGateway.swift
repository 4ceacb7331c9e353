import Contracts
package import Hummingbird
package import HummingbirdCore
package import Logging
import NIOCore

/// The gateway as an application that serves `address`.
///
/// - Parameters:
///   - client: the way to the managers.
///   - isConnected: whether the message broker can be reached now; readiness reports it.
///   - onListening: called with host and port once connections are accepted.
package func buildGateway(
    client: some ManagerClient,
    configuration: GatewayConfiguration,
    address: BindAddress = .hostname("127.0.0.1", port: 0),
    logger: Logger,
    isConnected: @escaping @Sendable () -> Bool = { true },
    onListening: @escaping @Sendable (_ host: String, _ port: Int) async -> Void = { _, _ in }
) -> Application<GatewayResponder> {
    let gateway = Gateway(client: client, configuration: configuration, logger: logger, isConnected: isConnected)
    let settings = ClientChannel.Settings(
        timeouts: configuration.timeouts,
        maximumHeaderSize: configuration.maximumHeaderSize,
        maximumBodySize: configuration.maximumBodySize,
        headers: configuration.headers
    )
    return Application(
        responder: GatewayResponder(gateway: gateway, logger: logger),
        server: HTTPServerBuilder { ClientChannel(responder: $0, settings: settings) },
        configuration: ApplicationConfiguration(
            address: address,
            availableConnectionsDelegate: MaximumAvailableConnections(configuration.maximumConnections)
        ),
        onServerRunning: { channel in
            guard let local = channel.localAddress else { return }
            await onListening(local.ipAddress ?? "localhost", local.port ?? 0)
        },
        logger: logger
    )
}
