package import Logging
import NIOConcurrencyHelpers
import NIOCore

/// A client of the message bus that outlives its connections.
///
/// It owns two: one publishes and makes calls, one consumes, because a broker that is short of memory stops reading
/// from connections that publish. `run()` keeps both up. Every wait has a deadline.
package final class AMQPClient: Sendable {
    let configuration: AMQPConfiguration
    let logger: Logger
    let state: NIOLockedValueBox<ClientState>
    let shutdownRequested = OneShot<Void>()
    let firstConsumer = OneShot<Void>()
    private let runEnded = OneShot<Void>()

    /// Makes a client; nothing happens before `run()`.
    /// - Parameter topology: declared on each connection, before the client is ready.
    package init(configuration: AMQPConfiguration, topology: Topology, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        state = NIOLockedValueBox(ClientState(topology: topology))
    }

    // MARK: life

    /// Keeps the connections up until `shutDown()` is called or the task is cancelled. May be called once.
    ///
    /// Failures to connect are retried for ever and logged once for each distinct text.
    /// - Throws: `.shutDown` when it was shut down before, `.invalidArgument` when it runs already.
    package func run() async throws {
        let refusal = state.withLockedValue { state -> AMQPError? in
            switch state.phase {
            case .idle:
                state.phase = .running
                return nil
            case .running: return AMQPError(.invalidArgument, "the client runs already")
            case .ending, .ended: return Self.isShutDown
            }
        }
        if let refusal { throw refusal }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepPublishing() }
            group.addTask { await self.keepConsuming() }
            _ = try? await shutdownRequested.wait()
            await endPolitely()
            group.cancelAll()
        }
        finish()
    }

    /// Ends the client: cancels the consumers, waits up to 5 s for open confirms, closes the connections and ends the
    /// delivery sequences. Returns when `run()` has ended, within 10 s.
    package func shutDown() async {
        let wasRunning = state.withLockedValue { state in
            switch state.phase {
            case .idle:
                state.phase = .ended
                return false
            case .running:
                state.phase = .ending
                return true
            case .ending: return true
            case .ended: return false
            }
        }
        shutdownRequested.complete(.success(()))
        guard wasRunning else { return finish() }
        _ = try? await runEnded.wait(timeout: .seconds(10))
    }

    private func endPolitely() async {
        let (publisher, publish, consume, consumers) = state.withLockedValue { state in
            state.phase = .ending
            return (state.publisher, state.publishConnection, state.consumeConnection, Array(state.consumers.values))
        }
        for consumer in consumers {
            if let channel = consumer.channel { consume?.eventLoop.execute { channel.value.cancel() } }
            consumer.buffer.finish()
        }
        if let publisher, let publish {
            let idle = OneShot<Void>()
            publish.eventLoop.execute { publisher.channel.value.whenIdle(idle) }
            _ = try? await idle.wait(timeout: .seconds(5))
        }
        async let first: Void? = publish?.close(timeout: .seconds(2))
        async let second: Void? = consume?.close(timeout: .seconds(2))
        _ = await (first, second)
    }

    private func finish() {
        let (buffers, signal) = state.withLockedValue { state in
            state.phase = .ended
            return (state.consumers.values.map(\.buffer), state.readySignal)
        }
        for buffer in buffers { buffer.finish() }
        signal.complete(.failure(Self.isShutDown))
        runEnded.complete(.success(()))
    }

    // MARK: readiness

    /// Whether the topology is declared, messages can be published, and every consumer is established.
    package var isReady: Bool { state.withLockedValue(\.isReady) }

    /// Whether the broker has asked not to publish (`connection.blocked`).
    package var isBlocked: Bool { state.withLockedValue(\.isBlocked) }

    /// Waits until the client is ready.
    /// - Throws: `.timedOut` with the last failure in its message, `.shutDown`, or `CancellationError`.
    package func waitUntilReady(timeout: Duration) async throws {
        let deadline = ContinuousClock.now + timeout
        while true {
            let signal = state.withLockedValue(\.readySignal)
            let left = max(.zero, deadline - .now)
            try await signal.wait(timeout: left, timeoutError: self.notReady(after: timeout))
            if isReady { return }
            if state.withLockedValue({ $0.phase == .ending || $0.phase == .ended }) { throw Self.isShutDown }
        }
    }

    private func notReady(after timeout: Duration) -> AMQPError {
        let last = state.withLockedValue(\.lastError)
        let reason = last?.message ?? "no attempt to connect has ended yet"
        return AMQPError(.timedOut, "the message bus is not ready after \(timeout): \(reason)", underlying: last)
    }

    // MARK: topology

    /// Adds to the topology and declares the addition. It is declared again on every reconnect.
    /// - Throws: `.preconditionFailed`, naming the argument, when something exists with other properties (the addition
    ///   is then forgotten); `.timedOut` when it could not be done in time.
    package func declare(_ topology: Topology, timeout: Duration) async throws {
        let deadline = ContinuousClock.now + timeout
        let before = state.withLockedValue { state in
            defer { state.topology.merge(topology) }
            return state.topology
        }
        while true {
            try await waitForPublishConnection(until: deadline, timeout: timeout)
            guard let connection = state.withLockedValue(\.publishConnection) else { continue }
            do {
                let left = max(.zero, deadline - .now)
                return try await connection.declare(topology.withoutExclusiveQueues, within: left)
            } catch let error as AMQPError where error.code == .connectionClosed && ContinuousClock.now < deadline {
                continue
            } catch let error as AMQPError where !error.isRetriable {
                state.withLockedValue { $0.topology.forget(topology, keeping: before) }
                throw error
            }
        }
    }

    /// Takes a binding away, at the broker and from what is declared again on a reconnect. Harmless when there is none.
    /// - Throws: `.timedOut` when it could not be done in time, or the broker's refusal.
    package func unbind(_ binding: Binding, timeout: Duration) async throws {
        state.withLockedValue { $0.topology.bindings.removeAll { $0 == binding } }
        try await waitForPublishConnection(until: .now + timeout, timeout: timeout)
        guard let connection = state.withLockedValue(\.publishConnection) else { throw notReady(after: timeout) }
        try await connection.unbind(binding, within: timeout)
    }

    private func waitForPublishConnection(until deadline: ContinuousClock.Instant, timeout: Duration) async throws {
        while state.withLockedValue({ $0.publishConnection == nil }) {
            if state.withLockedValue({ $0.phase == .ending || $0.phase == .ended }) { throw Self.isShutDown }
            guard ContinuousClock.now < deadline else { throw notReady(after: timeout) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    // MARK: publishing

    /// The user that this client is known as at the broker, for ``OutgoingMessage/userID``.
    package var user: String { configuration.user }

    /// Publishes messages and waits for what becomes of them; one outcome for each, in order.
    ///
    /// Without a connection all are `unknown` at once. While the broker is short of memory it waits. What is not settled
    /// within `timeout`, or when the connection is lost or the task cancelled, is `unknown`. A message that cannot be
    /// sent at all, because a name is above 255 bytes or the headers above a frame, is `nacked`.
    package func publish(_ messages: [OutgoingMessage], timeout: Duration) async -> [PublishOutcome] {
        guard !messages.isEmpty else { return [] }
        guard let publisher = state.withLockedValue(\.publisher) else {
            return Array(repeating: .unknown, count: messages.count)
        }
        let ticket = PublishBatch.Ticket()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                publisher.mailbox.post([
                    PublishBatch(messages: messages, timeout: timeout, ticket: ticket, continuation: continuation)
                ])
            }
        } onCancel: {
            // Whichever of the two comes to the event loop first: a cancelled batch is not begun, one begun is given up.
            ticket.cancel()
            publisher.channel.execute { $0.abandon(ticket) }
        }
    }

    /// Sends messages that nobody waits for, such as replies. Dropped when not connected; never waits.
    package func send(_ messages: [OutgoingMessage]) {
        state.withLockedValue(\.sender)?.post(messages)
    }

    /// Sends a request to a queue and waits for the reply.
    ///
    /// The request is not kept on disk and expires with the deadline.
    /// - Parameter correlationID: a fresh one when nil; two calls under way need different ones.
    /// - Throws: `.returned` at once when there is no such queue, `.timedOut` at the deadline, `.connectionClosed` when
    ///   the connection is or gets lost, all retriable; `CancellationError`.
    package func call(
        routingKey: String,
        body: [UInt8],
        timeout: Duration,
        correlationID: String? = nil
    ) async throws -> [UInt8] {
        guard let caller = state.withLockedValue(\.caller) else { throw CallChannel.disconnected }
        let call = PendingCall(
            id: correlationID ?? Self.freshID(),
            routingKey: routingKey,
            body: body,
            deadline: .now() + TimeAmount(timeout),
            reply: OneShot()
        )
        caller.mailbox.post([call])
        do {
            // The channel keeps the deadline; the margin is for an event loop that is late.
            return try await call.reply.wait(timeout: timeout + .seconds(1))
        } catch is CancellationError {
            caller.channel.execute { $0.abandon(call.id) }
            throw CancellationError()
        }
    }

    private static func freshID() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next() as UInt64, radix: 36) + "-" + String(generator.next() as UInt64, radix: 36)
    }

    // MARK: consuming

    /// Begins to consume a queue, for as long as the client lives. May be called before `run()`.
    /// - Parameter prefetch: how many messages may be unsettled at once; at least 1.
    package func consume(queue: String, prefetch: Int) -> Deliveries {
        precondition((1...65535).contains(prefetch), "the prefetch of a consumer is \(prefetch), not from 1 to 65535")
        let buffer = DeliveryBuffer()
        let announce = state.withLockedValue { state -> (AsyncStream<UInt64>.Continuation?, UInt64)? in
            guard state.phase != .ending, state.phase != .ended else { return nil }
            state.nextConsumer += 1
            state.consumers[state.nextConsumer] = ClientState.Consumer(
                queue: queue,
                prefetch: UInt16(prefetch),
                buffer: buffer
            )
            state.updateReadiness()
            return (state.announceConsumer, state.nextConsumer)
        }
        if let announce {
            announce.0?.yield(announce.1)
            firstConsumer.complete(.success(()))
        } else {
            buffer.finish()
        }
        return Deliveries(buffer: buffer)
    }

    static let isShutDown = AMQPError(.shutDown, "the client has been shut down")
}

extension NIOLoopBound {
    /// Uses the value on its event loop, later.
    func execute(_ body: @escaping @Sendable (Value) -> Void) where Value: ChannelUser {
        eventLoop.execute { body(self.value) }
    }
}
