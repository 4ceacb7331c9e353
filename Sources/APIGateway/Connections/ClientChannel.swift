import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// One client's connection: HTTP/1.1 with limits on everything that a client may take its time or its size with.
struct ClientChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    /// What a connection is held to.
    struct Settings: Sendable {
        var timeouts: ConnectionTimeouts
        var maximumHeaderSize: Int
        var maximumBodySize: Int
        var headers: AnswerHeaders
    }

    let responder: Responder
    let settings: Settings

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            var limits = NIOHTTPDecoderLimitConfiguration()
            // The parser's limits lie above ours, so that what is slightly too large is still known by its request id.
            limits.maxHeaderFieldSize = settings.maximumHeaderSize * 2
            limits.maxHeaderListSize = settings.maximumHeaderSize * 2
            limits.maxHeaderFieldCount = 200
            let connection = WatchedConnection(settings.timeouts)
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(ByteObserver(connection))
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false,
                withErrorHandling: false,
                withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: limits
            )
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(ConnectionGuard(connection, settings))
            // It ends idle connections when the server stops; how long they may be idle is the guard's.
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: nil, logger: logger))
            return try Value(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true)
            )
        }
    }

    func handle(value: Value, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}
