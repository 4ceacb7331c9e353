import APIGateway
import Dispatch
import Glibc
import Hummingbird
import HummingbirdTesting
import Logging
import ServiceLifecycle
import Testing

/// A connection on a plain socket, for clients that do not behave.
final class RawClient: Sendable {
    private let descriptor: Int32

    /// - Parameter receiveBuffer: in bytes; small ones fill soon when nobody reads.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
    }

    deinit { close(descriptor) }

    /// Sends what the socket takes; false when the other side has gone.
    @discardableResult
    func send(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) == $0.count }
    }

    func closeOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What arrives until `isEnough` says so or the other side closes; nil when neither happens within `limit`.
    func receive(
        within limit: Duration = .seconds(10),
        until isEnough: @escaping @Sendable (String) -> Bool
    ) async -> String? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [descriptor] in
                let end = ContinuousClock.now + limit
                var bytes: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 64 << 10)
                while true {
                    let text = String(decoding: bytes, as: UTF8.self)
                    if isEnough(text) { return continuation.resume(returning: text) }
                    let left = Int32((end - .now) / .milliseconds(1))
                    var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                    guard left > 0, poll(&poller, 1, left) > 0 else { return continuation.resume(returning: nil) }
                    let count = recv(descriptor, &buffer, buffer.count, 0)
                    if count <= 0 { return continuation.resume(returning: text) }
                    bytes += buffer[..<count]
                }
            }
        }
    }

    /// Everything until the other side closes; nil when it does not within `limit`.
    func receiveAll(within limit: Duration = .seconds(10)) async -> String? {
        await receive(within: limit) { _ in false }
    }
}

/// Runs `body` beside a gateway that listens on a port.
func serving(
    _ managers: some ManagerClient,
    _ configuration: GatewayConfiguration = GatewayConfiguration(),
    logger: Logger = Logger(label: "test"),
    _ body: @Sendable (_ port: Int) async throws -> Void
) async throws {
    let application = buildGateway(client: managers, configuration: configuration, logger: logger)
    try await application.test(.live) { client in
        try await body(try #require(client.port))
    }
}

/// Runs `body` against a gateway as a daemon runs it; `serving(_:_:logger:_:)` leaves out how connections are accepted.
func running(
    _ managers: some ManagerClient,
    _ configuration: GatewayConfiguration,
    _ body: @escaping @Sendable (_ port: Int) async throws -> Void
) async throws {
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let application = buildGateway(
        client: managers,
        configuration: configuration,
        logger: Logger(label: "test"),
        onListening: {
            continuation.yield($1)
        }
    )
    let services = ServiceGroup(
        configuration: ServiceGroupConfiguration(services: [application], logger: Logger(label: "test"))
    )
    async let running: Void = services.run()
    let port = await ports.first { _ in true }
    try await body(try #require(port))
    await services.triggerGracefulShutdown()
    try await running
}
