import Logging
import NIOConcurrencyHelpers
import NIOCore
import TestSupport
import Testing

@testable import AMQP

let quiet: Logger = {
    var logger = Logger(label: "amqp-tests")
    logger.logLevel = .critical
    return logger
}()

/// How many messages wait in a queue, as the broker says at this moment.
func messageCount(of queue: Queue, _ client: AMQPClient) async throws -> Int {
    let current = client.state.withLockedValue(\.publishConnection)
    let connection = try #require(current)
    let channel = try await connection.openRequestChannel()
    defer { connection.closeChannel(channel) }
    guard
        case .queueDeclareOK(_, let messages, _) = try await connection.request(
            [.queueDeclare(queue)],
            channel: channel
        )[0]
    else { throw AMQPError(.protocolViolation, "no declare-ok") }
    return Int(messages)
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

/// Methods as bytes.
func encoded(_ methods: [(Method, UInt16)]) throws -> ByteBuffer {
    var encoder = FrameEncoder()
    var buffer = ByteBuffer()
    for (method, channel) in methods { try encoder.write(method, channel: channel, to: &buffer) }
    return buffer
}

/// Numbers of several tasks, to be waited for.
final class Counter: Sendable {
    private let number = NIOLockedValueBox(0)
    var value: Int { number.withLockedValue { $0 } }
    func add(_ more: Int) { number.withLockedValue { $0 += more } }
}
