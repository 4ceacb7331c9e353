import Logging
import NIOCore
import NIOPosix
import TestSupport

@testable import AMQP

let quiet: Logger = {
    var logger = Logger(label: "amqp-tests")
    logger.logLevel = .critical
    return logger
}()

/// Runs a client for the length of `body`.
func withClient<Result: Sendable>(
    _ url: String,
    topology: Topology = Topology(),
    change: (inout AMQPConfiguration) -> Void = { _ in },
    _ body: (AMQPClient) async throws -> Result
) async throws -> Result {
    var configuration = try AMQPConfiguration(url: url, connectionName: "tests")
    change(&configuration)
    let client = AMQPClient(configuration: configuration, topology: topology, logger: quiet)
    let running = Task { try await client.run() }
    do {
        let result = try await body(client)
        await client.shutDown()
        try await running.value
        return result
    } catch {
        await client.shutDown()
        throw error
    }
}

/// A name that no other test uses.
func unique(_ name: String) -> String { "\(name)-\(UInt32.random(in: 0 ... .max))" }

/// Waits for a condition, or fails after a limit.
func eventually(
    _ what: String,
    within limit: Duration = .seconds(10),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw AMQPError(.timedOut, "not within \(limit): \(what)")
}

/// A server that does with each connection what a test says.
final class FakeServer: Sendable {
    let port: Int
    private let channel: any Channel

    init(
        _ greet: @escaping @Sendable (any Channel) -> Void,
        onBytes: @escaping @Sendable (any Channel, ByteBuffer) -> Void = { _, _ in }
    ) async throws {
        channel = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(greet: greet, onBytes: onBytes))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress!.port!
    }

    func stop() { channel.close(promise: nil) }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let greet: @Sendable (any Channel) -> Void
        let onBytes: @Sendable (any Channel, ByteBuffer) -> Void
        init(
            greet: @escaping @Sendable (any Channel) -> Void,
            onBytes: @escaping @Sendable (any Channel, ByteBuffer) -> Void
        ) {
            self.greet = greet
            self.onBytes = onBytes
        }
        func channelActive(context: ChannelHandlerContext) { greet(context.channel) }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            onBytes(context.channel, unwrapInboundIn(data))
        }
    }
}

/// Methods as bytes.
func encoded(_ methods: [(Method, UInt16)]) throws -> ByteBuffer {
    var encoder = FrameEncoder()
    var buffer = ByteBuffer()
    for (method, channel) in methods { try encoder.write(method, channel: channel, to: &buffer) }
    return buffer
}
