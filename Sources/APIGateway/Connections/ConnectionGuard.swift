import Contracts
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Why a client's body ended before its end.
struct ClientFailure: Error, Sendable {
    let problem: Problem
}

/// The watch over one connection, shared by the two handlers that see it; both run on its event loop.
final class WatchedConnection {
    var watch: ConnectionWatch

    init(_ timeouts: ConnectionTimeouts) { watch = ConnectionWatch(timeouts, at: .now) }
}

/// Sees the bytes of a connection, before anything is made of them.
final class ByteObserver: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData

    private let connection: WatchedConnection

    init(_ connection: WatchedConnection) { self.connection = connection }

    func read(context: ChannelHandlerContext) {
        connection.watch.wantsBytes(at: .now)
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.watch.bytesArrived(at: .now)
        context.fireChannelRead(data)
    }
}

/// Keeps clients from holding a connection: ends those that are too slow, answers what is no HTTP, and says `100 Continue`.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connection: WatchedConnection
    private let settings: ClientChannel.Settings
    private var timer: Scheduled<Void>?
    /// Nothing more is read or answered.
    private var hasEnded = false
    private var isLastAnswer = false
    private var hasFailedBody = false

    init(_ connection: WatchedConnection, _ settings: ClientChannel.Settings) {
        self.connection = connection
        self.settings = settings
    }

    func handlerAdded(context: ChannelHandlerContext) { schedule(context) }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    // MARK: - What the client sends

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded, !hasFailedBody else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            connection.watch.headArrived()
            if isToldToContinue(head) {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body: break
        case .end: connection.watch.bodyEnded(at: .now)
        }
        context.fireChannelRead(data)
    }

    /// Whether the client waits for a word before it sends its body. Nobody invites a body that will be refused.
    private func isToldToContinue(_ head: HTTPRequest) -> Bool {
        guard head.headerFields[.expect]?.lowercased() == "100-continue" else { return false }
        let length = head.headerFields[.contentLength].flatMap { Int($0) } ?? 0
        let isImport = (head.path ?? "").prefix { $0 != "?" }.hasSuffix("/import")
        return isImport || length <= settings.maximumBodySize
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !hasEnded else { return }
        if connection.watch.isAnswering {
            // Whoever reads the body learns of it there, and answers it.
            let isParserError = error is HTTPParserError || error is HTTP1TypeConversionError
            failBody(isParserError ? ClientFailure(problem: ConnectionGuard.problem(error)) : error, context)
        } else if !connection.watch.isEnding, error is HTTPParserError || error is HTTP1TypeConversionError {
            refuse(ConnectionGuard.problem(error), context)
        } else {
            hasEnded = true
            context.close(promise: nil)
        }
    }

    private static func problem(_ error: any Error) -> Problem {
        if case HTTPParserError.headerOverflow = error { return .headersTooLarge(limit: nil) }
        return .badRequest
    }

    private func failBody(_ error: any Error, _ context: ChannelHandlerContext) {
        guard !hasFailedBody else { return }
        hasFailedBody = true
        isLastAnswer = true
        context.fireErrorCaught(error)
    }

    // MARK: - What is answered

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !hasEnded else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head): if head.headerFields[.connection] == "close" { isLastAnswer = true }
        case .body: break
        case .end: connection.watch.answerEnded(isLast: isLastAnswer, at: .now)
        }
        context.write(data, promise: promise)
    }

    /// Answers in place of a responder that never saw the request, and ends the connection.
    private func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
        hasEnded = true
        var ids = IDGenerator()
        let requestID = ids.next(at: .systemNow).description
        let answer = Answer(problem, requestID: requestID)
        let bytes = answer.jsonBytes
        var headers = answer.headers
        settings.headers.add(to: &headers, requestID: requestID, origin: nil)
        headers[.contentType] = Answer.jsonType
        headers[.contentLength] = String(bytes.count)
        headers[.connection] = "close"
        connection.watch.answerEnded(isLast: true, at: .now)
        context.write(
            wrapOutboundOut(.head(HTTPResponse(status: .init(code: answer.code), headerFields: headers))),
            promise: nil
        )
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: bytes))), promise: nil)
        let written = context.eventLoop.makePromise(of: Void.self)
        // Only our half is closed: bytes of the client that are still under way would otherwise reset the connection
        // before it has read the answer.
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(mode: .output, promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }

    // MARK: - Time

    private func schedule(_ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(settings.timeouts.interval)) {
            self.look(context)
        }
    }

    private func look(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let unsent = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        switch connection.watch.verdict(unsentBytes: unsent, at: .now) {
        case .fine: break
        case .headTooSlow: if !hasEnded { refuse(.requestTooSlow, context) }
        case .bodyStalled: failBody(ClientFailure(problem: .requestTooSlow), context)
        case .over:
            context.close(promise: nil)
            return
        }
        schedule(context)
    }
}
