import NIOConcurrencyHelpers
import NIOCore
import TestSupport
import Testing

@testable import AMQP

/// Peers that do not behave: an error in time, no crash, and every connection closed again.
@Suite("Misbehaving peers")
struct PeerTests {
    private static let timeout = Duration.milliseconds(400)
    /// Three timeouts are the most that an attempt to connect may take, and a little for a busy machine.
    private static let patience = timeout * 3 + .seconds(1)

    private func configuration(_ port: Int) throws -> AMQPConfiguration {
        var configuration = try AMQPConfiguration(url: "amqp://127.0.0.1:\(port)", connectionName: "test")
        configuration.connectTimeout = Self.timeout
        configuration.heartbeat = .seconds(1)
        configuration.retryDelay = .milliseconds(1) ... .milliseconds(5)
        return configuration
    }

    /// Connects, which must fail in time, and returns the error.
    private func failure(_ port: Int) async throws -> AMQPError? {
        let configuration = try configuration(port)
        let began = ContinuousClock.now
        let error = await #expect(throws: AMQPError.self) {
            let connection = try await Connection.open(configuration, host: configuration.hosts[0])
            connection.stop(AMQPError(.connectionClosed, "it should not have opened"))
        }
        #expect(ContinuousClock.now - began < Self.patience)
        #expect(error?.message.contains("127.0.0.1:\(port)") == true, "\(error?.message ?? "")")
        return error
    }

    private func nothingIsLeft(_ server: FakeBroker) async throws {
        try await eventually("all connections are closed") {
            try ProcessFigures.connections(toPort: server.port) == 0
        }
    }

    /// Runs `count` attempts, some at a time, against a server that answers the protocol header with `answer`.
    private func attempts(
        _ count: Int,
        _ answer: @escaping @Sendable (Int) -> FakeBroker.Answer,
        check: @escaping @Sendable (AMQPError) -> Void = { _ in }
    ) async throws {
        let greeted = Counter()
        let server = try await FakeBroker { method, _ in
            guard method == nil else { return .proper }
            greeted.add(1)
            return answer(greeted.value)
        }
        defer { server.stop() }
        let descriptors = ProcessFigures.openDescriptors
        try await withThrowingTaskGroup(of: AMQPError?.self) { group in
            for number in 0..<count {
                if number >= 20, let error = try await group.next() { error.map(check) }
                group.addTask { try await failure(server.port) }
            }
            for try await error in group { error.map(check) }
        }
        #expect(server.accepted == count)
        try await nothingIsLeft(server)
        try await eventually("no descriptor is left open") { ProcessFigures.openDescriptors <= descriptors }
    }

    @Test func garbageIsAnErrorInTime() async throws {
        try await attempts(200) { number in
            var generator = SplitMix(seed: UInt64(number))
            return .bytes(generator.bytes(Int.random(in: 1...2000, using: &generator)))
        }
    }

    @Test func textOfAnotherProtocolIsNamed() async throws {
        try await attempts(20) { _ in
            .bytes(Array("220 mail ready\r\n".utf8))
        } check: { error in
            #expect(error.code == .protocolViolation)
            #expect(error.message.contains("does not speak AMQP 0-9-1"), "\(error.message)")
        }
    }

    @Test func silenceIsAnErrorInTime() async throws {
        try await attempts(40) { _ in
            .bytes([])
        } check: { error in
            #expect(error.code == .timedOut)
            #expect(error.message.contains("waiting for the broker's greeting"), "\(error.message)")
        }
    }

    @Test func halfAGreetingIsAnErrorInTime() async throws {
        let greeting = try Self.bytes(.connectionStart(major: 0, minor: 9, properties: [:], mechanisms: "PLAIN"), 0)
        try await attempts(greeting.count) { number in
            .bytes(Array(greeting.prefix(number % greeting.count)))
        } check: { error in
            #expect(error.code == .timedOut)
        }
    }

    @Test func aPeerThatHangsUpIsAnError() async throws {
        let greeting = try Self.bytes(.connectionStart(major: 0, minor: 9, properties: [:], mechanisms: "PLAIN"), 0)
        try await attempts(greeting.count * 4) { number in
            .hangUp(Array(greeting.prefix(number % greeting.count)))
        } check: { error in
            #expect(error.code == .connectionFailed)
        }
    }

    @Test(arguments: [[UInt8.max, .max, .max, .max], [0x7F, 0xFF, 0xFF, 0xFF], [0, 2, 0, 0]])
    func anAbsurdLengthIsRefusedAtOnce(length: [UInt8]) async throws {
        try await attempts(20) { _ in
            .bytes([1, 0, 0] + length)
        } check: { error in
            #expect(error.code == .protocolViolation)
            #expect(error.message.contains("larger than agreed"), "\(error.message)")
        }
    }

    @Test func aWrongFrameEndIsRefused() async throws {
        var greeting = try Self.bytes(.connectionStart(major: 0, minor: 9, properties: [:], mechanisms: "PLAIN"), 0)
        greeting[greeting.count - 1] = 0xCD
        try await attempts(20) { [greeting] _ in
            .bytes(greeting)
        } check: { error in
            #expect(error.code == .protocolViolation)
        }
    }

    @Test func anAttemptThatIsCancelledLeavesNothingOpen() async throws {
        let server = try await FakeBroker { _, _ in .proper }
        defer { server.stop() }
        let configuration = try configuration(server.port)
        // The cancellation meets the attempt at any of its steps, also between the connection and its use.
        for round in 0..<300 {
            let attempt = Task {
                try await Connection.open(configuration, host: configuration.hosts[0]).close(timeout: .seconds(5))
            }
            try await Task.sleep(for: .microseconds(round * 5))
            attempt.cancel()
            _ = await attempt.result
        }
        try await nothingIsLeft(server)
    }

    // MARK: after the handshake

    /// What a peer sends instead of the answer to the first channel.open.
    static let laterFaults: [(name: String, answer: @Sendable (UInt16) throws -> FakeBroker.Answer)] = [
        (
            "garbage",
            { channel in
                var generator = SplitMix(seed: UInt64(channel))
                return .bytes([0xFF] + generator.bytes(500))
            }
        ),
        ("a wrong frame end", { .bytes(Array(try bytes(.channelOpenOK, $0).dropLast()) + [0]) }),
        ("an absurd length", { _ in .bytes([3, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF]) }),
        ("another channel", { .bytes(try bytes(.channelOpenOK, $0 + 50)) }),
        ("an answer to nothing", { .bytes(try bytes(.channelOpenOK, $0) + bytes(.queueBindOK, $0)) }),
        ("a body without a header", { _ in .bytes([3, 0, 1, 0, 0, 0, 1, 7, 0xCE]) }),
        ("a method inside content", { .bytes(try delivery($0, size: 10, body: []) + bytes(.channelOpenOK, $0)) }),
        ("a hang-up in the middle of content", { .hangUp(try delivery($0, size: 10, body: [1, 2])) }),
        ("too much content", { .bytes(try delivery($0, size: 2, body: [1, 2, 3])) }),
        ("content of absurd size", { .bytes(try delivery($0, size: .max, body: [])) }),
        ("a hang-up", { _ in .hangUp([]) }),
    ]

    @Test(arguments: laterFaults.indices)
    func whatComesAfterTheHandshakeEndsTheConnectionAndTheClientTriesAgain(index: Int) async throws {
        let fault = Self.laterFaults[index]
        let server = try await FakeBroker { method, channel in
            guard method == .channelOpen else { return .proper }
            return (try? fault.answer(channel)) ?? .proper
        }
        defer { server.stop() }
        let change: (inout AMQPConfiguration) -> Void = { $0.retryDelay = .zero ... .milliseconds(2) }
        try await withClient("amqp://127.0.0.1:\(server.port)", change: change) { client in
            try await eventually("\(fault.name): twenty attempts") { server.accepted >= 20 }
            #expect(!client.isReady)
            #expect(
                await client.publish([OutgoingMessage(routingKey: "q", body: [])], timeout: .seconds(1)) == [.unknown]
            )
            let last = client.state.withLockedValue(\.lastError)
            let error = try #require(last)
            #expect([.protocolViolation, .connectionClosed].contains(error.code), "\(fault.name): \(error)")
        }
        try await nothingIsLeft(server)
    }

    @Test func halfAFrameAndThenNothingEndsWithTheHeartbeat() async throws {
        let server = try await FakeBroker { method, channel in
            guard method == .channelOpen else { return .proper }
            return .bytes((try? Array(Self.delivery(channel, size: 10, body: [1, 2]).dropLast(3))) ?? [])
        }
        defer { server.stop() }
        let configuration = try configuration(server.port)
        let connection = try await Connection.open(configuration, host: configuration.hosts[0])
        let began = ContinuousClock.now
        await #expect(throws: AMQPError.self) { try await connection.openRequestChannel() }
        let error = try await connection.ended.wait(timeout: .seconds(10))
        #expect(error.message.contains("silent for two heartbeat intervals"), "\(error.message)")
        #expect(ContinuousClock.now - began < .seconds(4))
        try await nothingIsLeft(server)
    }

    @Test func confirmsOfNothingAndAnswersOfNobodyAreIgnored() async throws {
        let server = try await FakeBroker { method, channel in
            guard case .basicPublish = method else { return .proper }
            return .bytes(
                (try? Self.bytes(.basicAck(tag: .max, multiple: true), channel)
                    + Self.bytes(.basicNack(tag: 77, multiple: false, requeue: false), channel)
                    + Self.bytes(.basicAck(tag: 1, multiple: false), channel)
                    + Self.bytes(.basicAck(tag: 1, multiple: true), channel)) ?? []
            )
        }
        defer { server.stop() }
        try await withClient("amqp://127.0.0.1:\(server.port)") { client in
            try await client.waitUntilReady(timeout: .seconds(10))
            let message = OutgoingMessage(routingKey: "q", body: [1])
            #expect(await client.publish([message], timeout: .seconds(5)) == [.acked])
            #expect(server.accepted == 1)
        }
    }

    private static func bytes(_ method: Method, _ channel: UInt16) throws -> [UInt8] {
        Array(try encoded([(method, channel)]).readableBytesView)
    }

    /// A delivery whose header promises `size` bytes, followed by those of `body`.
    private static func delivery(_ channel: UInt16, size: UInt64, body: [UInt8]) throws -> [UInt8] {
        let method = Method.basicDeliver(consumer: "c", tag: 1, redelivered: false, exchange: "", routingKey: "k")
        var frames = ByteBuffer(bytes: try bytes(method, channel))
        frames.writeMultipleIntegers(UInt8(2), channel, UInt32(14), UInt16(60), UInt16(0), size, UInt16(0), UInt8(0xCE))
        if !body.isEmpty {
            frames.writeMultipleIntegers(UInt8(3), channel, UInt32(body.count))
            frames.writeBytes(body)
            frames.writeInteger(UInt8(0xCE))
        }
        return Array(frames.readableBytesView)
    }
}
