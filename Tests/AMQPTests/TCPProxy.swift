import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Stands between clients and a server, so that a test can cut connections without touching either.
final class TCPProxy: Sendable {
    private struct State {
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
        var accepted = 0
    }

    let port: Int
    private let host: String
    private let target: Int
    private let state = NIOLockedValueBox(State())

    /// How many connections came through so far.
    var accepted: Int { state.withLockedValue(\.accepted) }

    /// Listens on a free port of a loopback address.
    init(to target: Int, host: String = "127.0.0.1") async throws {
        self.host = host
        self.target = target
        let listener = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .bind(host: host, port: 0).get()
        port = listener.localAddress!.port!
        try await listener.close()
        try await start()
    }

    /// Listens again after `stop()`.
    func start() async throws {
        let listener = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { self.join($0) }
            .bind(host: host, port: port).get()
        state.withLockedValue { $0.listener = listener }
    }

    /// Closes all connections; new ones may come.
    func cut() {
        let connections = state.withLockedValue { Array($0.connections.values) }
        for connection in connections { connection.close(promise: nil) }
    }

    /// Closes all connections and listens no longer.
    func stop() async throws {
        let listener = state.withLockedValue { state in
            defer { state.listener = nil }
            return state.listener
        }
        try await listener?.close()
        cut()
    }

    // The accepted channel becomes active only when the server's is there, so nothing is lost in between.
    private func join(_ near: any Channel) -> EventLoopFuture<Void> {
        ClientBootstrap(group: near.eventLoop)
            .channelInitializer { far in far.pipeline.addHandler(Glue(partner: near)) }
            .connect(host: "127.0.0.1", port: target)
            .flatMap { far in near.pipeline.addHandler(Glue(partner: far)) }
            .map { self.remember(near) }
    }

    private func remember(_ channel: any Channel) {
        state.withLockedValue { state in
            state.accepted += 1
            state.connections[ObjectIdentifier(channel)] = channel
        }
        channel.closeFuture.whenComplete { _ in
            self.state.withLockedValue { $0.connections[ObjectIdentifier(channel)] = nil }
        }
    }

    private final class Glue: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let partner: any Channel
        init(partner: any Channel) { self.partner = partner }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            partner.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }
        func channelInactive(context: ChannelHandlerContext) { partner.close(promise: nil) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
