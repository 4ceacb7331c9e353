import CAMQPCodec
import NIOCore

/// Writes frames into a buffer, so that many of them leave with one write.
struct FrameEncoder {
    /// The frame size agreed with the server.
    var frameMax = Int(FrameDecoder.frameMax)
    private var arena = WireArena()

    /// The eight bytes that open a conversation.
    static let protocolHeader: [UInt8] = Array("AMQP".utf8) + [0, 0, 9, 1]

    /// Writes one method frame.
    /// - Throws: `.invalidArgument` when a text or table does not fit; the buffer is then as it was.
    mutating func write(_ method: Method, channel: UInt16, to buffer: inout ByteBuffer) throws(AMQPError) {
        arena.reset()
        var wire = method.wire(&arena)
        let arena = arena
        try write(to: &buffer) { out, capacity in
            camqp_encode_method(
                channel,
                &wire,
                arena.bytes,
                arena.bytes.count,
                arena.fields,
                arena.fields.count,
                out,
                capacity
            )
        }
    }

    /// Writes the header frame and body frames of a message.
    /// - Throws: `.invalidArgument` when a text or table does not fit; the buffer is then as it was.
    mutating func write(
        _ properties: Properties,
        body: [UInt8],
        channel: UInt16,
        to buffer: inout ByteBuffer
    ) throws(AMQPError) {
        arena.reset()
        var wire = properties.wire(&arena)
        let arena = arena
        try write(to: &buffer) { out, capacity in
            camqp_encode_header(
                channel,
                &wire,
                UInt64(body.count),
                arena.bytes,
                arena.bytes.count,
                arena.fields,
                arena.fields.count,
                out,
                capacity
            )
        }
        let room = frameMax - 8
        var start = 0
        while start < body.count {
            let end = min(start + room, body.count)
            buffer.writeInteger(UInt8(CAMQP_FRAME_BODY))
            buffer.writeInteger(channel)
            buffer.writeInteger(UInt32(end - start))
            buffer.writeBytes(body[start..<end])
            buffer.writeInteger(Self.frameEnd)
            start = end
        }
    }

    /// Writes a publish with its content. On an error nothing is written.
    mutating func write(_ message: OutgoingMessage, channel: UInt16, to buffer: inout ByteBuffer) throws(AMQPError) {
        let start = buffer.writerIndex
        do {
            try write(
                .basicPublish(
                    exchange: message.exchange,
                    routingKey: message.routingKey,
                    mandatory: message.mandatory
                ),
                channel: channel,
                to: &buffer
            )
            try write(Properties(message), body: message.body, channel: channel, to: &buffer)
        } catch {
            buffer.moveWriterIndex(to: start)
            throw error
        }
    }

    /// Writes a heartbeat.
    func writeHeartbeat(to buffer: inout ByteBuffer) {
        buffer.writeBytes([UInt8(CAMQP_FRAME_HEARTBEAT), 0, 0, 0, 0, 0, 0, Self.frameEnd])
    }

    private static let frameEnd: UInt8 = 0xCE

    private func write(
        to buffer: inout ByteBuffer,
        _ encode: (UnsafeMutablePointer<UInt8>?, Int) -> Int64
    ) throws(AMQPError) {
        // Bytes of names and texts, 18 a field at most, and the fixed part of the longest method.
        let estimate = arena.bytes.count + arena.fields.count * 18 + 128
        guard estimate <= frameMax + 256 else { throw Self.tooLarge }
        var status: Int64 = 0
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: estimate) { raw in
            status = encode(raw.bindMemory(to: UInt8.self).baseAddress, min(raw.count, frameMax))
            return max(0, Int(status))
        }
        guard status < 0 else { return }
        if status == CAMQP_NO_MEMORY { throw AMQPError(.invalidArgument, "memory is short", isRetriable: true) }
        throw Self.tooLarge
    }

    private static let tooLarge = AMQPError(
        .invalidArgument,
        "a name or property is longer than 255 bytes, or headers are larger than a frame"
    )
}

extension Properties {
    /// The properties of a message to publish.
    init(_ message: OutgoingMessage) {
        contentType = message.contentType
        headers = message.headers.isEmpty ? nil : message.headers
        deliveryMode = message.persistent ? 2 : 1
        correlationID = message.correlationID
        replyTo = message.replyTo
        expiration = message.expirationMilliseconds.map { String(max(0, $0)) }
        messageID = message.messageID
        type = message.type
        userID = message.userID
    }

    /// The properties as the C codec takes them; texts and headers go to the arena.
    func wire(_ arena: inout WireArena) -> camqp_properties {
        var p = camqp_properties()
        func put(_ text: String?, _ bit: Int, _ span: inout camqp_span) {
            guard let text else { return }
            p.present |= UInt32(bit)
            span = arena.span(text)
        }
        var spans = (camqp_span(), camqp_span(), camqp_span(), camqp_span(), camqp_span(), camqp_span())
        var user = camqp_span()
        put(contentType, CAMQP_HAS_CONTENT_TYPE, &spans.0)
        put(correlationID, CAMQP_HAS_CORRELATION_ID, &spans.1)
        put(replyTo, CAMQP_HAS_REPLY_TO, &spans.2)
        put(expiration, CAMQP_HAS_EXPIRATION, &spans.3)
        put(messageID, CAMQP_HAS_MESSAGE_ID, &spans.4)
        put(type, CAMQP_HAS_TYPE, &spans.5)
        put(userID, CAMQP_HAS_USER_ID, &user)
        (p.content_type, p.correlation_id, p.reply_to, p.expiration, p.message_id, p.type) = spans
        p.user_id = user
        if let deliveryMode {
            p.present |= UInt32(CAMQP_HAS_DELIVERY_MODE)
            p.delivery_mode = deliveryMode
        }
        if let headers {
            p.present |= UInt32(CAMQP_HAS_HEADERS)
            arena.append(table: headers)
        }
        return p
    }
}
