import NIOCore
import Testing

@testable import AMQP

@Suite("Codec")
struct CodecTests {
    private func decodeAll(_ buffer: ByteBuffer, inPiecesOf size: Int = .max) throws -> [Frame] {
        let decoder = try FrameDecoder()
        var buffer = buffer
        var frames: [Frame] = []
        while let piece = buffer.readSlice(length: min(size, buffer.readableBytes)), piece.readableBytes > 0 {
            decoder.append(piece)
            while let frame = try decoder.next() { frames.append(frame) }
        }
        return frames
    }

    static let table: [String: AMQPFieldValue] = [
        "bool": true, "int": .int(.min), "text": "grüezi", "void": .void, "double": .double(-1.5),
        "time": .timestamp(1_700_000_000), "bytes": .bytes([0, 255]), "empty": .table([:]), "none": .array([]),
        "nested": .table(["list": .array([1, "two", .table(["three": .array([.void])])]), "z": false]),
    ]

    static let methods: [Method] = [
        .connectionStart(major: 0, minor: 9, properties: table, mechanisms: "PLAIN AMQPLAIN"),
        .connectionStartOK(properties: table, mechanism: "PLAIN", response: "\0a\0b"),
        .connectionTune(.init(channelMax: 2047, frameMax: 131_072, heartbeat: 60)),
        .connectionTuneOK(.init(channelMax: 1, frameMax: 4096, heartbeat: 10)),
        .connectionOpen(virtualHost: "/"), .connectionOpenOK,
        .connectionClose(.init(code: 320, text: "CONNECTION_FORCED", about: 0x003C_0028)), .connectionCloseOK,
        .connectionBlocked(reason: "low on memory"), .connectionUnblocked,
        .channelOpen, .channelOpenOK, .channelFlow(active: true), .channelFlowOK(active: false),
        .channelClose(.init(code: 404, text: "NOT_FOUND")), .channelCloseOK,
        .exchangeDeclare(Exchange(name: "e", kind: .fanout, durable: true)), .exchangeDeclareOK,
        .queueDeclare(Queue(name: "q", durable: false, autoDelete: true, exclusive: true, arguments: table)),
        .queueDeclareOK(queue: "q", messages: 7, consumers: 2),
        .queueBind(Binding(queue: "q", exchange: "e", routingKey: "a.#")), .queueBindOK,
        .queueUnbind(Binding(queue: "q", exchange: "e", routingKey: "a.#")), .queueUnbindOK,
        .basicQos(prefetch: 500), .basicQosOK,
        .basicConsume(queue: "q", tag: "t"), .basicConsumeOK(tag: "t"), .basicCancel(tag: "t"),
        .basicCancelOK(tag: "t"),
        .basicPublish(exchange: "e", routingKey: "k", mandatory: true),
        .basicReturn(code: 312, text: "NO_ROUTE", exchange: "e", routingKey: "k"),
        .basicDeliver(consumer: "t", tag: .max, redelivered: true, exchange: "e", routingKey: "k"),
        .basicAck(tag: 1, multiple: true), .basicNack(tag: 2, multiple: false, requeue: true),
        .basicReject(tag: 3, requeue: true), .confirmSelect, .confirmSelectOK,
    ]

    @Test(arguments: [Int.max, 1, 7])
    func everyMethodComesBackAsItWas(pieces: Int) throws {
        let bytes = try encoded(Self.methods.map { ($0, 5) })
        let frames = try decodeAll(bytes, inPiecesOf: pieces)
        #expect(frames == Self.methods.map { Frame(channel: 5, payload: .method($0)) })
    }

    @Test(arguments: [0, 1, 131_072 - 8, 131_072 - 7, 4 << 20])
    func bodiesOfEverySizeComeBack(size: Int) throws {
        var generator = SystemRandomNumberGenerator()
        let body = (0..<size).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        let message = OutgoingMessage(
            exchange: "e",
            routingKey: "k",
            body: body,
            messageID: "m",
            correlationID: "c",
            type: "t",
            replyTo: "r",
            expirationMilliseconds: 1500,
            headers: Self.table,
            userID: "u"
        )
        var encoder = FrameEncoder()
        var buffer = ByteBuffer()
        try encoder.write(message, channel: 1, to: &buffer)
        var assembly = ContentAssembly()
        var content: Content?
        for frame in try decodeAll(buffer) {
            #expect(content == nil)
            switch frame.payload {
            case .method(let method): try assembly.begin(method)
            case .header(let size, let properties): content = try assembly.header(bodySize: size, properties)
            case .body(let bytes): content = try assembly.body(bytes)
            case .heartbeat: Issue.record("a heartbeat")
            }
        }
        #expect(content?.body == body)
        #expect(content?.properties == Properties(message))
        #expect(content?.properties.headers == Self.table)
    }

    @Test func heartbeatsAreRead() throws {
        var buffer = ByteBuffer()
        FrameEncoder().writeHeartbeat(to: &buffer)
        #expect(try decodeAll(buffer) == [Frame(channel: 0, payload: .heartbeat)])
    }

    @Test func namesAbove255BytesAreRefusedAndLeaveNothing() {
        var encoder = FrameEncoder()
        var buffer = ByteBuffer()
        let long = String(repeating: "x", count: 256)
        for message in [
            OutgoingMessage(routingKey: long, body: []), OutgoingMessage(routingKey: "k", body: [], messageID: long),
            OutgoingMessage(routingKey: "k", body: [], headers: ["h": .bytes(Array(repeating: 0, count: 200_000))]),
        ] {
            let error = #expect(throws: AMQPError.self) { try encoder.write(message, channel: 1, to: &buffer) }
            #expect(error?.code == .invalidArgument)
            #expect(buffer.readableBytes == 0)
        }
    }

    @Test func anotherProtocolIsNamed() throws {
        let decoder = try FrameDecoder()
        decoder.append(ByteBuffer(bytes: Array("AMQP".utf8) + [0, 1, 0, 0]))
        let error = #expect(throws: AMQPError.self) { try decoder.next() }
        #expect(error?.message.contains("does not speak AMQP 0-9-1 (it offers 0.1.0.0)") == true)
        let other = try FrameDecoder()
        other.append(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n"))
        #expect(throws: AMQPError.self) { try other.next() }
    }

    @Test func tablesNestedWithoutEndAreRefused() throws {
        // A message header whose table holds tables, each in the one before, 20,000 deep.
        var table: [UInt8] = []
        for _ in 0..<20_000 {
            var size = UInt32(table.count).bigEndian
            table = withUnsafeBytes(of: &size) { [1, UInt8(ascii: "k"), UInt8(ascii: "F")] + Array($0) } + table
            if table.count > 120_000 { break }
        }
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt8(2))
        buffer.writeInteger(UInt16(1))
        buffer.writeInteger(UInt32(14 + 4 + table.count))
        buffer.writeInteger(UInt16(60))
        buffer.writeInteger(UInt16(0))
        buffer.writeInteger(UInt64(0))
        buffer.writeInteger(UInt16(0x2000))
        buffer.writeInteger(UInt32(table.count))
        buffer.writeBytes(table)
        buffer.writeInteger(UInt8(0xCE))
        let decoder = try FrameDecoder()
        decoder.append(buffer)
        #expect(throws: AMQPError.self) { try decoder.next() }
    }
}
