import NIOCore
import NIOPosix
import NIOSSL

/// One connection to one broker node: the Sendable face of a `ConnectionHandler`.
final class Connection: Sendable {
    let eventLoop: any EventLoop
    let handler: NIOLoopBound<ConnectionHandler>
    /// Completes once, with the reason, when the connection is gone.
    let ended: OneShot<AMQPError>
    private let requestTimeout: Duration = .seconds(10)

    private init(handler: NIOLoopBound<ConnectionHandler>, eventLoop: any EventLoop, ended: OneShot<AMQPError>) {
        self.handler = handler
        self.eventLoop = eventLoop
        self.ended = ended
    }

    /// Connects and opens, within three times the configured timeout whatever the name service and the broker do.
    /// - Throws: an `AMQPError` that names the address.
    static func open(
        _ configuration: AMQPConfiguration,
        host: AMQPConfiguration.Host,
        onBlocked: @escaping @Sendable (Bool) -> Void = { _ in }
    ) async throws -> Connection {
        let address = configuration.address(of: host)
        let established = OneShot<Connection>()
        let opened = OneShot<Void>()
        do {
            try start(configuration, host, onBlocked: onBlocked, opened: opened, established: established)
            let connection = try await established.wait(
                timeout: configuration.connectTimeout * 2,
                timeoutError: AMQPError(.timedOut, "no answer")
            )
            try await opened.wait(timeout: configuration.connectTimeout * 2)
            return connection
        } catch {
            giveUp(established, error)
            throw error is CancellationError ? error : reason(error, address: address)
        }
    }

    /// Sees to it that whatever has come or still comes of an attempt is closed.
    private static func giveUp(_ established: OneShot<Connection>, _ error: any Error) {
        established.complete(.failure(error))
        // It may have come between the end of the wait and now.
        if case .success(let connection) = established.result {
            connection.stop(AMQPError(.connectionClosed, "given up"))
        }
    }

    private static func start(
        _ configuration: AMQPConfiguration,
        _ host: AMQPConfiguration.Host,
        onBlocked: @escaping @Sendable (Bool) -> Void,
        opened: OneShot<Void>,
        established: OneShot<Connection>
    ) throws {
        let tls = try configuration.tls.map { try TLS.context($0) }
        let ended = OneShot<AMQPError>()
        let bootstrap = ClientBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(TLS.handler(tls, hostName: host.name)) }
                    try pipeline.addHandler(
                        ConnectionHandler(
                            configuration: configuration,
                            eventLoop: channel.eventLoop,
                            opened: opened,
                            ended: ended,
                            onBlocked: onBlocked
                        )
                    )
                }
            }
        bootstrap.connect(host: host.name, port: host.port).flatMap { channel in
            channel.eventLoop.makeCompletedFuture {
                guard let handler = try? channel.pipeline.syncOperations.handler(type: ConnectionHandler.self) else {
                    // It is gone already; the reason is in `ended`.
                    if case .success(let error) = ended.result { throw error }
                    throw AMQPError(.connectionFailed, "the peer hung up at once")
                }
                return Connection(
                    handler: NIOLoopBound(handler, eventLoop: channel.eventLoop),
                    eventLoop: channel.eventLoop,
                    ended: ended
                )
            }
        }.whenComplete { result in
            established.complete(result)
            // Somebody else, a deadline or a cancellation, was first: nobody will use this connection.
            if case .success(let connection) = result, case .failure = established.result {
                connection.stop(AMQPError(.connectionClosed, "given up"))
            }
        }
    }

    private static func reason(_ error: any Error, address: String) -> AMQPError {
        if let own = error as? AMQPError {
            return AMQPError(
                own.code,
                "cannot use the broker at \(address): \(own.message)",
                underlying: own.underlying
            )
        }
        let text: String
        switch error {
        case let error as NIOConnectionError:
            text =
                error.connectionErrors.first.map { plain($0.error) } ?? (error.dnsAError ?? error.dnsAAAAError).map(
                    plain
                ) ?? "unknown host"
        default: text = plain(error)
        }
        return AMQPError(.connectionFailed, "cannot reach the broker at \(address): \(text)", underlying: error)
    }

    private static func plain(_ error: any Error) -> String {
        switch error {
        case let error as IOError where error.errnoCode == ECONNREFUSED: "connection refused"
        case is SocketAddressError: "the host name is unknown"
        case ChannelError.connectTimeout: "no answer"
        default: "\(error)"
        }
    }

    // MARK: use

    /// Opens a channel whose user is made on the event loop.
    /// - Throws: the reason when the channel or the connection ends first.
    func openChannel<User: ChannelUser>(
        _ make: @escaping @Sendable (UInt16, ConnectionHandler) -> User
    ) async throws -> NIOLoopBound<User> {
        let result = try await onLoop { connection -> (NIOLoopBound<User>, UInt16) in
            let handler = connection.handler.value
            var user: User?
            let number = try handler.addChannel { number in
                let made = make(number, handler)
                user = made
                return made
            }
            return (NIOLoopBound(user!, eventLoop: connection.eventLoop), number)
        }
        _ = try await request([.channelOpen], channel: result.1)
        return result.0
    }

    /// Opens a channel for requests only and returns its number.
    func openRequestChannel(within limit: Duration? = nil) async throws -> UInt16 {
        let number = try await onLoop { try $0.handler.value.addChannel { _ in RequestOnlyChannel() } }
        _ = try await request([.channelOpen], channel: number, within: limit)
        return number
    }

    /// Sends methods at once and waits for the answer of each.
    ///
    /// An answer missing for too long ends the connection, since what comes later could not be matched. With a limit of
    /// the caller's own, which says nothing about the broker's health, only the channel is closed.
    /// - Throws: the error of the first that failed.
    func request(_ methods: [Method], channel: UInt16, within limit: Duration? = nil) async throws -> [Method] {
        let deadline = limit.map { ContinuousClock.now + $0 }
        let replies = try await onLoop { connection in
            let replies = connection.handler.value.request(methods, channel: channel)
            connection.handler.value.flush()
            return replies
        }
        var results: [Method] = []
        do {
            for reply in replies {
                let left = deadline.map { max(.zero, $0 - .now) }
                results.append(try await reply.wait(timeout: left ?? requestTimeout, timeoutError: Self.noAnswer))
            }
        } catch let error as AMQPError where error.code == .timedOut {
            if limit == nil { stop(AMQPError(.connectionClosed, error.message)) } else { closeChannel(channel) }
            throw error
        }
        return results
    }

    private static let noAnswer = AMQPError(.timedOut, "the broker did not answer a request in time")

    /// Closes a channel without waiting.
    func closeChannel(_ number: UInt16) {
        eventLoop.execute {
            self.handler.value.closeChannel(number, AMQPError(.channelClosed, "the channel was closed"))
        }
    }

    /// Closes politely, or after `timeout` at once.
    func close(timeout: Duration) async {
        eventLoop.execute { self.handler.value.closePolitely() }
        _ = try? await ended.wait(timeout: timeout)
        stop(AMQPError(.connectionClosed, "the connection was closed"))
    }

    /// Ends the connection at once.
    func stop(_ error: AMQPError) {
        eventLoop.execute { self.handler.value.stop(error) }
    }

    /// Runs on the event loop and waits for the result; the loop never waits, so neither does this for long.
    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (Connection) throws -> Value) async throws -> Value {
        let result = OneShot<Value>()
        eventLoop.execute { result.complete(Result { try body(self) }) }
        return try await result.wait(timeout: requestTimeout)
    }
}
