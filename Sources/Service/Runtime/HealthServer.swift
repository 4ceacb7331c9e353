import Contracts
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Answers `/healthz`, `/readyz` and `/metrics` of a daemon, from before it is built until it has stopped.
struct HealthServer: ServiceLifecycle.Service {
    let channel: any Channel

    /// Begins to listen. Throws a ``StartupError`` that names the address and the option.
    static func bind(
        _ address: ListenAddress,
        _ readiness: Readiness,
        _ metrics: PrometheusRegistry
    ) async throws -> HealthServer {
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { child in
                    child.eventLoop.makeCompletedFuture {
                        try child.pipeline.syncOperations.addHandler(IdleStateHandler(allTimeout: .seconds(10)))
                        try child.pipeline.syncOperations.configureHTTPServerPipeline()
                        try child.pipeline.syncOperations.addHandler(HealthHandler(readiness, metrics))
                    }
                }
                .bind(host: address.host, port: address.port).get()
            return HealthServer(channel: channel)
        } catch {
            let inUse = (error as? IOError)?.errnoCode == EADDRINUSE
            let problem = inUse ? "the address is in use" : "\(error)"
            throw StartupError("cannot listen on \(address): \(problem); choose another with --metrics-listen")
        }
    }

    /// Where it listens, with the port that was free.
    var address: String { channel.localAddress.map { "\($0.ipAddress ?? ""):\($0.port ?? 0)" } ?? "" }

    func run() async throws {
        try? await gracefulShutdown()
        try? await channel.close()
    }
}

private final class HealthHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let readiness: Readiness
    private let metrics: PrometheusRegistry
    private var path = ""

    init(_ readiness: Readiness, _ metrics: PrometheusRegistry) {
        self.readiness = readiness
        self.metrics = metrics
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): path = String(head.uri.prefix { $0 != "?" })
        case .body: break
        case .end: answer(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ context: ChannelHandlerContext) {
        let (status, type, text) = response
        let head = HTTPResponseHead(
            version: .http1_1,
            status: status,
            headers: ["content-type": type, "content-length": "\(text.utf8.count)", "connection": "close"]
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        let done = context.eventLoop.makePromise(of: Void.self)
        let channel = context.channel
        done.futureResult.whenComplete { _ in channel.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
    }

    private var response: (HTTPResponseStatus, String, String) {
        let json = "application/json"
        switch path {
        case "/healthz": return (.ok, json, #"{"status":"ok"}"#)
        case "/readyz":
            if readiness.isReady { return (.ok, json, #"{"status":"ready"}"#) }
            let waiting: JSONValue = [
                "status": "waiting", "waiting_for": .array(readiness.waitingFor.map { .string($0) }),
            ]
            return (.serviceUnavailable, json, waiting.text)
        case "/metrics":
            let ready = "# TYPE carillon_ready gauge\ncarillon_ready \(readiness.isReady ? 1 : 0)\n"
            return (.ok, "text/plain; version=0.0.4; charset=utf-8", metrics.text + ready)
        default: return (.notFound, json, #"{"error":"not found"}"#)
        }
    }
}
