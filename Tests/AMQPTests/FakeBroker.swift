import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

@testable import AMQP

/// A server that opens connections like a broker, until a test lets it answer otherwise.
final class FakeBroker: Sendable {
    enum Answer: Sendable {
        /// What a broker would say.
        case proper
        /// These bytes instead; an empty list is silence.
        case bytes([UInt8])
        /// Nothing, and it neither reads nor says anything from then on.
        case deaf
        /// These bytes, and then it hangs up.
        case hangUp([UInt8])
    }

    /// Decides about each method of a client; nil is the protocol header.
    typealias Script = @Sendable (_ method: Method?, _ channel: UInt16) -> Answer

    let port: Int
    private let listener: any Channel
    private let count = NIOLockedValueBox(0)

    /// How many connections came so far.
    var accepted: Int { count.withLockedValue { $0 } }

    init(_ script: @escaping Script) async throws {
        let count = count
        listener = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .childChannelInitializer { channel in
                count.withLockedValue { $0 += 1 }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress!.port!
    }

    func stop() { listener.close(promise: nil) }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let script: Script
        private let decoder: FrameDecoder
        private var start = ByteBuffer()
        private var isGreeted = false
        private var isDeaf = false

        init(_ script: @escaping Script) throws {
            self.script = script
            decoder = try FrameDecoder()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !isDeaf else { return }
            var bytes = unwrapInboundIn(data)
            if !isGreeted {
                start.writeBuffer(&bytes)
                guard start.readSlice(length: FrameEncoder.protocolHeader.count) != nil else { return }
                isGreeted = true
                answer(nil, 0, context)
                guard !isDeaf else { return }
                bytes = start
            }
            decoder.append(bytes)
            do {
                while let frame = try decoder.next() {
                    if case .method(let method) = frame.payload { answer(method, frame.channel, context) }
                }
            } catch {
                context.close(promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        private func answer(_ method: Method?, _ channel: UInt16, _ context: ChannelHandlerContext) {
            switch script(method, channel) {
            case .proper:
                guard let reply = Self.reply(method), let bytes = try? encoded([(reply, channel)]) else { return }
                context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
            case .bytes(let bytes):
                if !bytes.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil) }
            case .deaf:
                isDeaf = true
            case .hangUp(let bytes):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
                context.close(promise: nil)
            }
        }

        private static func reply(_ method: Method?) -> Method? {
            switch method {
            case nil: .connectionStart(major: 0, minor: 9, properties: [:], mechanisms: "PLAIN")
            case .connectionStartOK: .connectionTune(.init(channelMax: 100, frameMax: 131_072, heartbeat: 10))
            case .connectionOpen: .connectionOpenOK
            case .connectionClose: .connectionCloseOK
            case .channelOpen: .channelOpenOK
            case .channelClose: .channelCloseOK
            case .exchangeDeclare: .exchangeDeclareOK
            case .queueDeclare(let queue): .queueDeclareOK(queue: queue.name, messages: 0, consumers: 0)
            case .queueBind: .queueBindOK
            case .basicQos: .basicQosOK
            case .basicConsume(_, let tag): .basicConsumeOK(tag: tag)
            case .basicCancel(let tag): .basicCancelOK(tag: tag)
            case .confirmSelect: .confirmSelectOK
            default: nil
            }
        }
    }
}
