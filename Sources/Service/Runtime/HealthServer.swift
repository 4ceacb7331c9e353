import Contracts
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Answers `/healthz`, `/readyz` and `/metrics` of a daemon that serves no other HTTP.
struct HealthServer: ServiceLifecycle.Service {
    let address: ListenAddress
    let readiness: Readiness

    init(_ address: ListenAddress, _ readiness: Readiness) {
        self.address = address
        self.readiness = readiness
    }

    func run() async throws {
        let channel: any Channel
        do {
            channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { [readiness] child in
                    child.eventLoop.makeCompletedFuture {
                        try child.pipeline.syncOperations.configureHTTPServerPipeline()
                        try child.pipeline.syncOperations.addHandler(HealthHandler(readiness))
                    }
                }
                .bind(host: address.host, port: address.port).get()
        } catch {
            throw StartupError("cannot listen on \(address): \(error); choose another with --metrics-listen")
        }
        try? await gracefulShutdown()
        try? await channel.close()
    }
}

private final class HealthHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let readiness: Readiness
    private var path = ""

    init(_ readiness: Readiness) { self.readiness = readiness }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): path = String(head.uri.prefix { $0 != "?" })
        case .body: break
        case .end: answer(context)
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        let (status, type, text) = response
        let head = HTTPResponseHead(
            version: .http1_1, status: status,
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
            return (.ok, "text/plain; version=0.0.4", "# TYPE carillon_ready gauge\ncarillon_ready \(readiness.isReady ? 1 : 0)\n")
        default: return (.notFound, json, #"{"error":"not found"}"#)
        }
    }
}
