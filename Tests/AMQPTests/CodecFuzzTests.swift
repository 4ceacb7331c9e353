import NIOCore
import TestSupport
import Testing

@testable import AMQP

/// Whatever bytes come, the answer is a frame, "more is needed" or an error.
@Suite("Codec under random bytes")
struct CodecFuzzTests {
    private static let count = 20_000

    /// Frames one by one: every method, and the header and body of a message.
    private func frames() throws -> [[UInt8]] {
        var frames = try CodecTests.methods.map { Array(try encoded([($0, 1)]).readableBytesView) }
        var encoder = FrameEncoder()
        var content = ByteBuffer()
        let message = OutgoingMessage(
            routingKey: "k",
            body: [1, 2, 3],
            messageID: "m",
            correlationID: "c",
            type: "t",
            replyTo: "r",
            expirationMilliseconds: 5,
            headers: CodecTests.table
        )
        try encoder.write(Properties(message), body: message.body, channel: 1, to: &content)
        while let length: UInt32 = content.getInteger(at: content.readerIndex + 3) {
            frames.append(content.readBytes(length: Int(length) + 8)!)
        }
        return frames
    }

    /// Feeds bytes in random pieces. Returns how many frames came, or nil for an error.
    private func decode(_ bytes: [UInt8], _ generator: inout SplitMix) throws -> Int? {
        let decoder = try FrameDecoder()
        var rest = ByteBuffer(bytes: bytes)
        var count = 0
        do {
            while rest.readableBytes > 0 {
                let length = Int.random(in: 1...rest.readableBytes, using: &generator)
                decoder.append(rest.readSlice(length: length)!)
                while try decoder.next() != nil { count += 1 }
            }
            return count
        } catch {
            return nil
        }
    }

    /// Changes a payload, and sometimes its length, in a frame that otherwise stays whole, so that the change is not
    /// refused by the framing already.
    private func mutate(_ frame: [UInt8], _ generator: inout SplitMix) -> [UInt8] {
        var payload = Array(frame[7..<(frame.count - 1)])
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = payload.isEmpty ? 0 : Int.random(in: 0..<payload.count, using: &generator)
            // Lengths at their limits find more than other numbers.
            let value =
                Bool.random(using: &generator)
                ? UInt8.random(in: 0...255, using: &generator) : [0, 0x7F, 0x80, 0xFF][place % 4]
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: payload.insert(value, at: place)
            case 1 where !payload.isEmpty: payload.remove(at: place)
            case 2 where !payload.isEmpty: payload.removeLast(Int.random(in: 0...payload.count, using: &generator))
            case 3: payload.insert(contentsOf: payload[place...].prefix(64), at: place)
            default: if !payload.isEmpty { payload[place] = value }
            }
        }
        var result = ByteBuffer(bytes: frame.prefix(3))
        result.writeInteger(UInt32(payload.count))
        result.writeBytes(payload)
        result.writeInteger(UInt8(0xCE))
        return Array(result.readableBytesView)
    }

    @Test(arguments: isDeep ? Array(UInt64(1)...10) : [1])
    func changedPayloadsAreFramesOrErrors(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let frames = try frames()
        var (accepted, refused) = (0, 0)
        for round in 0..<Self.count {
            let bytes = mutate(frames[round % frames.count], &generator)
            if try decode(bytes, &generator) == nil { refused += 1 } else { accepted += 1 }
        }
        // Both sides of the decoder are reached.
        #expect(accepted > Self.count / 100, "seed \(seed)")
        #expect(refused > Self.count / 10, "seed \(seed)")
    }

    @Test func changedStreamsAreFramesOrErrors() throws {
        var generator = SplitMix(seed: 4)
        let original = try frames().flatMap { $0 }
        var refused = 0
        for _ in 0..<Self.count / 10 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if try decode(bytes, &generator) == nil { refused += 1 }
        }
        #expect(refused > 0)
    }

    @Test func randomBytesAreFramesOrErrors() throws {
        var generator = SplitMix(seed: 5)
        for _ in 0..<Self.count {
            // Most random bytes fail at the first; these begin as a frame does.
            let kind = [UInt8(1), 2, 3, 8][Int.random(in: 0..<4, using: &generator)]
            let length = Int.random(in: 0..<200, using: &generator)
            let bytes = [kind, 0, 1, 0, 0, 0, UInt8(length)] + generator.bytes(length) + [0xCE]
            _ = try decode(bytes, &generator)
        }
    }

    @Test func everyPieceOfAFrameIsIncompleteAndNoMore() throws {
        for frame in try frames() {
            for length in 0..<frame.count {
                let decoder = try FrameDecoder()
                decoder.append(ByteBuffer(bytes: frame.prefix(length)))
                #expect(try decoder.next() == nil)
                decoder.append(ByteBuffer(bytes: frame.dropFirst(length)))
                #expect(try decoder.next() != nil)
            }
        }
    }
}
