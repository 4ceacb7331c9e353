import CAMQPCodec
import NIOCore

/// Cuts a stream of bytes into frames. Whatever the bytes are, the answer is a frame, "more is needed" or an error.
///
/// Not Sendable: it owns a C codec, which belongs to one connection on one event loop.
final class FrameDecoder {
    /// The largest frame that is accepted; RabbitMQ's own default.
    static let frameMax: UInt32 = 131_072

    // Owned: made here, freed in deinit, never handed out. Frames borrow from it only inside `decode`.
    private let codec: OpaquePointer
    private var buffer = ByteBuffer()
    private var hasFrames = false

    /// - Throws: when memory is short.
    init() throws(AMQPError) {
        guard let codec = camqp_codec_new(Self.frameMax) else {
            throw AMQPError(.connectionFailed, "no memory for the AMQP codec")
        }
        self.codec = codec
    }

    deinit { camqp_codec_free(codec) }

    /// Adds received bytes.
    func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            var bytes = bytes
            buffer.writeBuffer(&bytes)
        }
    }

    /// The next whole frame, or nil when more bytes are needed.
    /// - Throws: `.protocolViolation`; the stream is of no use afterwards.
    func next() throws(AMQPError) -> Frame? {
        let length = buffer.withUnsafeReadableBytes { raw in
            camqp_frame_length(raw.bindMemory(to: UInt8.self).baseAddress, raw.count, Self.frameMax)
        }
        guard length >= 0 else { throw refusal(Int(length)) }
        guard length > 0, buffer.readableBytes >= Int(length) else { return nil }
        let result = buffer.withUnsafeReadableBytes { raw in
            decode(raw.bindMemory(to: UInt8.self).baseAddress, count: Int(length))
        }
        buffer.moveReaderIndex(forwardBy: Int(length))
        if buffer.readableBytes == 0 {
            buffer.clear()
        } else if buffer.readerIndex > 1 << 20 {
            buffer.discardReadBytes()
        }
        let frame = try result.get()
        hasFrames = true
        return frame
    }

    private func decode(_ bytes: UnsafePointer<UInt8>?, count: Int) -> Result<Frame, AMQPError> {
        var raw = camqp_frame()
        let status = camqp_decode(codec, bytes, count, &raw)
        guard status == CAMQP_OK else { return .failure(refusal(Int(status))) }
        let reader = WireReader(raw)
        let payload: Frame.Payload
        switch Int(raw.kind) {
        case CAMQP_FRAME_METHOD:
            guard let method = Method(raw.method, reader) else { return .failure(refusal(Int(CAMQP_UNSUPPORTED))) }
            payload = .method(method)
        case CAMQP_FRAME_HEADER:
            payload = .header(bodySize: raw.body_size, Properties(raw.properties, reader))
        case CAMQP_FRAME_BODY:
            payload = .body(Array(UnsafeBufferPointer(start: raw.body, count: raw.body_count)))
        default:
            payload = .heartbeat
        }
        return .success(Frame(channel: raw.channel, payload: payload))
    }

    private func refusal(_ status: Int) -> AMQPError {
        // A server of another version answers the protocol header with its own.
        if !hasFrames, buffer.readableBytesView.starts(with: "AMQP".utf8) {
            let version = buffer.readableBytesView.dropFirst(4).prefix(4).map(String.init).joined(separator: ".")
            return AMQPError(.protocolViolation, "the server does not speak AMQP 0-9-1 (it offers \(version))")
        }
        // A TLS alert: the server takes the protocol header for the beginning of a TLS handshake.
        if !hasFrames, buffer.readableBytesView.starts(with: [0x15, 3]) {
            return AMQPError(.protocolViolation, "the server's port speaks TLS: use amqps://")
        }
        let reason =
            switch status {
            case Int(CAMQP_TOO_LARGE): "a frame or table is larger than agreed"
            case Int(CAMQP_UNSUPPORTED): "a method is unknown"
            case Int(CAMQP_NO_MEMORY): "memory is short"
            default: "the bytes are no AMQP 0-9-1 frame"
            }
        return AMQPError(.protocolViolation, "the server does not speak AMQP 0-9-1 as it should: \(reason)")
    }
}

extension Properties {
    init(_ p: camqp_properties, _ reader: WireReader) {
        func text(_ bit: Int, _ span: camqp_span) -> String? {
            Int(p.present) & bit != 0 ? reader.text(span) : nil
        }
        contentType = text(CAMQP_HAS_CONTENT_TYPE, p.content_type)
        correlationID = text(CAMQP_HAS_CORRELATION_ID, p.correlation_id)
        replyTo = text(CAMQP_HAS_REPLY_TO, p.reply_to)
        expiration = text(CAMQP_HAS_EXPIRATION, p.expiration)
        messageID = text(CAMQP_HAS_MESSAGE_ID, p.message_id)
        type = text(CAMQP_HAS_TYPE, p.type)
        userID = text(CAMQP_HAS_USER_ID, p.user_id)
        deliveryMode = Int(p.present) & CAMQP_HAS_DELIVERY_MODE != 0 ? p.delivery_mode : nil
        headers = Int(p.present) & CAMQP_HAS_HEADERS != 0 ? reader.table() : nil
    }
}
