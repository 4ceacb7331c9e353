package import AMQP
import Contracts
package import EventLog
import FaultInjection
package import Logging
import Metrics
import ServiceLifecycle

/// What a publisher needs of the writer of the log it walks.
package protocol LogHead: Sendable {
    /// Waits until the log is longer than `position`, or ends.
    func position(after position: Int64) async -> Int64
    /// Remembers how far a publisher has come; written with the next commit.
    func noteCursor(_ name: String, _ position: Int64)
    var head: Int64 { get }
}

extension LogWriter: LogHead {}

/// Walks a log in order and publishes what each event implies, with confirms: the log is the outbox.
///
/// The cursor moves after the confirm, so a message may be published twice, and every receiver is idempotent. It lasts
/// until graceful shutdown, then publishes what is left for at most five seconds.
package struct LogPublisher: ServiceLifecycle.Service {
    package typealias Translation = @Sendable (RecordedEvent) throws -> [Dispatch]

    let name: String
    let log: LogReader
    let writer: any LogHead
    let client: AMQPClient
    let logger: Logger
    let translate: Translation
    private let published = Counter(label: "carillon_published_total")
    /// What is said once until it is over: that a queue is missing.
    private let missingQueues = Locked<Set<String>>([])

    package init(
        name: String,
        log: LogReader,
        writer: any LogHead,
        client: AMQPClient,
        logger: Logger,
        dispatches translate: @escaping Translation
    ) {
        self.name = name
        self.log = log
        self.writer = writer
        self.client = client
        self.logger = logger
        self.translate = translate
    }

    /// The same for events that imply whole messages only.
    package init(
        name: String,
        log: LogReader,
        writer: any LogHead,
        client: AMQPClient,
        logger: Logger,
        messages: @escaping @Sendable (RecordedEvent) throws -> [OutgoingMessage]
    ) {
        self.init(name: name, log: log, writer: writer, client: client, logger: logger) { event in
            try messages(event).map { .message($0) }
        }
    }

    private static let eventsPerBatch = 512
    private static let confirmTimeout = Duration.seconds(10)
    private static let flushLimit = Duration.seconds(5)

    package func run() async throws {
        let walk = LogWalk(name: name, writer: writer, logger: logger, flushLimit: LogPublisher.flushLimit)
        await walk.run(from: try log.cursor(name)) { try await publishBatch(after: $0, deadline: $1) }
    }

    /// Publishes the events after `position` and answers with the position up to which all is confirmed.
    private func publishBatch(after position: Int64, deadline: ContinuousClock.Instant?) async throws -> Int64 {
        let events = try log.events(after: position, limit: LogPublisher.eventsPerBatch)
        guard let last = events.last else { return position }
        var batch = DispatchBatch(user: client.user)
        /// Of the events that are published, for crash points.
        var types: [String] = []
        for event in events {
            let dispatches = try translate(event)
            if CrashPoint.isAnyArmed, !dispatches.isEmpty { types.append(event.type) }
            for dispatch in dispatches { batch.add(dispatch) }
        }
        pass(.beforePublish, types)
        batch.finish()
        var pending = batch.entries
        var pause = Duration.milliseconds(20)
        while !pending.isEmpty {
            if let deadline, ContinuousClock.now >= deadline { return position }
            if deadline == nil { try Task.checkCancellation() }
            let timeout = min(LogPublisher.confirmTimeout, deadline.map { max(.zero, $0 - .now) } ?? .seconds(3600))
            let outcomes = try await outcomes(of: pending.map(\.message), timeout: timeout) {
                pass(.afterPublish, types)
            }
            let before = pending.count
            pending = unsettled(pending, outcomes)
            published.increment(by: before - pending.count)
            if !pending.isEmpty {
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(1))
            }
        }
        pass(.afterConfirm, types)
        writer.noteCursor(name, last.position)
        return last.position
    }

    /// Publishes and waits for the confirms; a cancelled task waits no longer.
    private func outcomes(
        of messages: [OutgoingMessage],
        timeout: Duration,
        whileWaiting: () -> Void
    ) async throws -> [PublishOutcome] {
        let (stream, continuation) = AsyncStream.makeStream(of: [PublishOutcome].self)
        Task { [client] in
            continuation.yield(await client.publish(messages, timeout: timeout))
            continuation.finish()
        }
        if CrashPoint.afterPublish.isArmed {
            // Long enough for the bytes to leave; the confirm may have come, and has not been read.
            try await Task.sleep(for: .milliseconds(3))
            whileWaiting()
        }
        for await outcomes in stream { return outcomes }
        throw CancellationError()
    }

    private func pass(_ point: CrashPoint, _ types: [String]) {
        for type in types { point.pass(type) }
    }

    /// What has to be published again: with the same message id, and everything behind it stays behind it.
    private func unsettled(_ entries: [DispatchBatch.Entry], _ outcomes: [PublishOutcome]) -> [DispatchBatch.Entry] {
        zip(entries, outcomes).compactMap { entry, outcome in
            switch outcome {
            case .acked:
                missingQueues.withLock { _ = $0.remove(entry.message.routingKey) }
                return nil
            case .nacked, .unknown: return entry
            case .returned(_, let text):
                let isNew = missingQueues.withLock { $0.count < 1000 && $0.insert(entry.message.routingKey).inserted }
                if isNew {
                    logger.warning(
                        "a message has no queue",
                        metadata: [
                            "routing_key": .string(entry.message.routingKey), "text": .string(text),
                            "repeated": .stringConvertible(entry.isRequired),
                        ]
                    )
                }
                return entry.isRequired ? entry : nil
            }
        }
    }
}
