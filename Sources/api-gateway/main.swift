import APIGateway
import Service

await Daemon.main(name: "api-gateway", GatewayOptions.self) { options, context in
    try buildGatewayDaemon(options, context)
}
