import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP server on loopback that a test tells what to answer, and that remembers what it was asked.
package final class HookServer: Sendable {
    package struct Request: Sendable {
        package var method: String
        package var target: String
        /// By names in lower case.
        package var headers: [String: String]
        package var body: [UInt8]

        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    package enum Behaviour: Sendable {
        case status(Int)
        case redirect(to: String)
        /// Takes the request and answers nothing.
        case silence
        /// 200 with so many bytes.
        case body(bytes: Int)
    }

    private struct State {
        var requests: [Request] = []
        var behaviour: @Sendable (Request) -> Behaviour = { _ in .status(200) }
    }

    package let port: Int
    private let channel: any Channel
    private let state: NIOLockedValueBox<State>

    /// Answers 200 until it is told otherwise.
    package static func start() async throws -> HookServer {
        let state = NIOLockedValueBox(State())
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler { take($0, state) })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return HookServer(channel, state)
    }

    private init(_ channel: any Channel, _ state: NIOLockedValueBox<State>) {
        self.channel = channel
        self.state = state
        port = channel.localAddress?.port ?? 0
    }

    private static func take(_ request: Request, _ state: NIOLockedValueBox<State>) -> Behaviour {
        let behaviour = state.withLockedValue { state in
            state.requests.append(request)
            return state.behaviour
        }
        return behaviour(request)
    }

    /// What it answers from now on.
    package func behave(_ behaviour: @escaping @Sendable (Request) -> Behaviour) {
        state.withLockedValue { $0.behaviour = behaviour }
    }

    /// All that was asked so far, in order.
    package var requests: [Request] { state.withLockedValue(\.requests) }

    package func forget() { state.withLockedValue { $0.requests = [] } }

    package func stop() async { try? await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let take: @Sendable (Request) -> Behaviour
        private var request = Request(method: "", target: "", headers: [:], body: [])

        init(_ take: @escaping @Sendable (Request) -> Behaviour) { self.take = take }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                var headers: [String: String] = [:]
                for header in head.headers { headers[header.name.lowercased()] = header.value }
                request = Request(method: head.method.rawValue, target: head.uri, headers: headers, body: [])
            case .body(let bytes): request.body += Array(bytes.readableBytesView)
            case .end: answer(take(request), context)
            }
        }

        private func answer(_ behaviour: Behaviour, _ context: ChannelHandlerContext) {
            var headers = HTTPHeaders()
            var status = 200
            var body = ByteBuffer()
            switch behaviour {
            case .silence: return
            case .status(let code): status = code
            case .redirect(let target):
                status = 302
                headers.add(name: "Location", value: target)
            case .body(let count): body.writeRepeatingByte(UInt8(ascii: "x"), count: count)
            }
            headers.add(name: "Content-Length", value: "\(body.readableBytes)")
            let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
