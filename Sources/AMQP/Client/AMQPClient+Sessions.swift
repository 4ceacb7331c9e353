import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Which of the two connections.
enum Link: String, Sendable {
    case publish, consume
}

extension AMQPClient {
    /// Keeps the publish connection up until the task is cancelled or the client shuts down.
    func keepPublishing() async {
        await keep(.publish) { connection in try await self.publishSession(connection) }
    }

    /// Keeps the consume connection up, from the first consumer on.
    func keepConsuming() async {
        guard (try? await firstConsumer.wait()) != nil else { return }
        await keep(.consume) { connection in try await self.consumeSession(connection) }
    }

    private func keep(_ link: Link, _ session: (Connection) async throws -> Void) async {
        var backoff = Backoff(configuration.retryDelay)
        var hostIndex = 0
        var logged: String?
        while !Task.isCancelled, shutdownRequested.result == nil {
            let host = configuration.hosts[hostIndex % configuration.hosts.count]
            hostIndex += 1
            let began = ContinuousClock.now
            do {
                let connection = try await Connection.open(configuration, host: host) { blocked in
                    if link == .publish { self.blockedChanged(blocked) }
                }
                logger.info("connected to the broker", metadata: ["link": "\(link.rawValue)", "host": "\(host)"])
                defer { connection.stop(AMQPError(.connectionClosed, "the session ended")) }
                try await session(connection)
            } catch is CancellationError {
                return
            } catch {
                guard shutdownRequested.result == nil else { return }
                let error = AMQPError.wrapping(error, as: .connectionClosed, "the session failed")
                note(error)
                if logged != error.message {
                    logger.warning("\(error.message)", metadata: ["link": "\(link.rawValue)", "host": "\(host)"])
                    logged = error.message
                }
            }
            if ContinuousClock.now - began > .seconds(30) {
                backoff.reset()
                logged = nil
            }
            try? await Task.sleep(for: backoff.next(fraction: Double.random(in: 0..<1)))
        }
    }

    private func publishSession(_ connection: Connection) async throws {
        // An exclusive queue belongs to the connection of its consumers.
        try await connection.declare(state.withLockedValue(\.topology).withoutExclusiveQueues)
        state.withLockedValue { state in
            state.publishConnection = connection
            state.isTopologyDeclared = true
            state.updateReadiness()
        }
        defer {
            state.withLockedValue { state in
                state.publishConnection = nil
                state.isTopologyDeclared = false
                state.updateReadiness()
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keepChannel { try await self.publishOnChannel(connection) } }
            group.addTask { try await self.keepChannel { try await self.callOnChannel(connection) } }
            group.addTask { try await self.keepChannel { try await self.sendOnChannel(connection) } }
            group.addTask { throw try await connection.ended.wait() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Runs `body`, which opens a channel and returns the reason of its end, again and again.
    private func keepChannel(_ body: () async throws -> AMQPError) async throws {
        var backoff = Backoff(configuration.retryDelay)
        while true {
            let began = ContinuousClock.now
            do {
                let error = try await body()
                note(error)
                logger.warning("a channel ended and is opened again: \(error.message)")
            } catch let error as AMQPError where error.code != .connectionClosed {
                note(error)
                logger.warning("a channel cannot be opened and is tried again: \(error.message)")
            }
            if ContinuousClock.now - began > .seconds(30) { backoff.reset() }
            try await Task.sleep(for: backoff.next(fraction: Double.random(in: 0..<1)))
        }
    }

    private func publishOnChannel(_ connection: Connection) async throws -> AMQPError {
        let ended = OneShot<AMQPError>()
        let number = OneShot<UInt16>()
        let channel = try await connection.openChannel { id, handler in
            number.complete(.success(id))
            return PublishChannel(number: id, handler: handler, loop: handler.isolatedLoop, ended: ended)
        }
        _ = try await connection.request([.confirmSelect], channel: number.wait())
        let mailbox = Mailbox<PublishBatch>(eventLoop: connection.eventLoop) { channel.value.submit($0) }
        change { $0.publisher = (channel, mailbox) }
        defer { change { $0.publisher = nil } }
        return try await ended.wait()
    }

    private func callOnChannel(_ connection: Connection) async throws -> AMQPError {
        let ended = OneShot<AMQPError>()
        let number = OneShot<UInt16>()
        let channel = try await connection.openChannel { id, handler in
            number.complete(.success(id))
            return CallChannel(number: id, handler: handler, loop: handler.isolatedLoop, ended: ended)
        }
        _ = try await connection.request(
            [.basicConsume(queue: Method.directReplyQueue, tag: "replies")],
            channel: number.wait()
        )
        let mailbox = Mailbox<PendingCall>(eventLoop: connection.eventLoop) { channel.value.submit($0) }
        change { $0.caller = (channel, mailbox) }
        defer { change { $0.caller = nil } }
        return try await ended.wait()
    }

    private func sendOnChannel(_ connection: Connection) async throws -> AMQPError {
        let ended = OneShot<AMQPError>()
        let channel = try await connection.openChannel { id, handler in
            SendChannel(number: id, handler: handler, ended: ended)
        }
        let mailbox = Mailbox<OutgoingMessage>(eventLoop: connection.eventLoop) { channel.value.submit($0) }
        change { $0.sender = mailbox }
        defer { change { $0.sender = nil } }
        return try await ended.wait()
    }

    // MARK: consuming

    private func consumeSession(_ connection: Connection) async throws {
        let (announcements, announce) = AsyncStream.makeStream(of: UInt64.self)
        let present = state.withLockedValue { state in
            state.consumeConnection = connection
            state.announceConsumer = announce
            return Array(state.consumers.keys)
        }
        defer {
            announce.finish()
            change { state in
                state.consumeConnection = nil
                state.announceConsumer = nil
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { throw try await connection.ended.wait() }
            group.addTask {
                try await withThrowingDiscardingTaskGroup { consumers in
                    for id in present {
                        consumers.addTask { try await self.keepChannel { try await self.consume(id, connection) } }
                    }
                    for await id in announcements {
                        consumers.addTask { try await self.keepChannel { try await self.consume(id, connection) } }
                    }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func consume(_ id: UInt64, _ connection: Connection) async throws -> AMQPError {
        let (consumer, topology) = state.withLockedValue { ($0.consumers[id], $0.topology) }
        guard let consumer else { throw AMQPError(.invalidArgument, "consumer \(id) is unknown") }
        try await connection.declare(topology.part(forQueue: consumer.queue))
        let ended = OneShot<AMQPError>()
        let number = OneShot<UInt16>()
        let channel = try await connection.openChannel { id, handler in
            number.complete(.success(id))
            return ConsumerChannel(number: id, handler: handler, buffer: consumer.buffer, ended: ended)
        }
        let settler = ChannelSettler(channel: channel, eventLoop: connection.eventLoop)
        _ = try await connection.onLoop { _ in channel.value.settler = settler }
        do {
            _ = try await connection.request(
                [
                    .basicQos(prefetch: consumer.prefetch),
                    .basicConsume(queue: consumer.queue, tag: ConsumerChannel.consumerTag),
                ],
                channel: number.wait()
            )
        } catch let error as AMQPError {
            throw AMQPError(error.code, "cannot consume queue '\(consumer.queue)': \(error.message)", underlying: error)
        }
        change { $0.consumers[id]?.channel = channel }
        defer { change { $0.consumers[id]?.channel = nil } }
        return try await ended.wait()
    }

    // MARK: state

    private func change(_ body: (inout ClientState) -> Void) {
        state.withLockedValue { state in
            body(&state)
            state.updateReadiness()
        }
    }

    private func note(_ error: AMQPError) {
        state.withLockedValue { $0.lastError = error }
    }

    private func blockedChanged(_ blocked: Bool) {
        state.withLockedValue { $0.isBlocked = blocked }
        if blocked {
            logger.warning("the broker is short of memory or disk: publishing waits")
        } else {
            logger.info("publishing goes on")
        }
    }
}
