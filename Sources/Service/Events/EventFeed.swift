import AMQP
import Contracts
import EventLog
import GRDB
import Logging
import Metrics

/// Publishes the public events of a log, and makes only those that somebody listens to.
///
/// Whether a type has a listener shows by its first event: published so that the broker returns it when no queue takes
/// it. A queue that was bound before the event was recorded takes it, so nobody misses anything; and when it comes
/// back, the events of its type that were recorded by then need not be made at all.
actor EventFeed {
    private struct Candidate {
        var position: Int64
        var translation: EventTranslator.Translation
    }

    private let exchange: String
    private let translator: EventTranslator
    private let log: LogReader
    private let client: AMQPClient
    private let logger: Logger
    /// The types whose last message was taken.
    private var listened: Set<String> = []
    private var isRefused = false
    private let published = Counter(label: "carillon_events_published_total")

    /// - Parameters:
    ///   - name: what events name as their source.
    ///   - exchange: of all events.
    init(
        name: String,
        exchange: String,
        categories: [PublishedCategory],
        log: LogReader,
        client: AMQPClient,
        logger: Logger
    ) {
        self.exchange = exchange
        translator = EventTranslator(source: name, categories: categories)
        self.log = log
        self.client = client
        self.logger = logger
    }

    private static let eventsPerBatch = 2000
    private static let bytesPerRun = 1 << 20
    private static let confirmTimeout = Duration.seconds(10)
    /// Between batches that nobody wanted anything of: what gathers meanwhile costs one question for each type.
    private static let silence = Duration.milliseconds(50)

    /// Publishes what is after `position` and answers how far it came: up to there every message is confirmed or was
    /// wanted by nobody. Throws `CancellationError` when it has to end before.
    func publishBatch(after position: Int64, deadline: ContinuousClock.Instant?) async throws -> Int64 {
        // What is left waits for the next start rather than for a broker that is away.
        if deadline != nil, !client.isReady { throw CancellationError() }
        let headlines = try log.headlines(after: position, limit: EventFeed.eventsPerBatch)
        guard let last = headlines.last else { return position }
        var unwanted: Set<String> = []
        var gathered: [Candidate] = []
        var wanted = 0
        for headline in headlines {
            guard let translation = translator.translation(of: headline.type),
                !unwanted.contains(translation.publicType)
            else { continue }
            let candidate = Candidate(position: headline.position, translation: translation)
            if listened.contains(translation.publicType) {
                gathered.append(candidate)
                continue
            }
            // In the order of the log: what comes before the question is published before it.
            wanted += try await publish(gathered, deadline)
            gathered.removeAll()
            let asked = try await publish([candidate], deadline)
            if listened.contains(translation.publicType) {
                wanted += 1
            } else if asked > 0 {
                unwanted.insert(translation.publicType)
            }
        }
        wanted += try await publish(gathered, deadline)
        if wanted == 0, deadline == nil { try await Task.sleep(for: EventFeed.silence) }
        return last.position
    }

    /// Makes and publishes the events of `candidates` in order, some of them at a time so that memory stays bounded.
    /// Answers how many there were: an object whose story was erased in part has none.
    private func publish(_ candidates: [Candidate], _ deadline: ContinuousClock.Instant?) async throws -> Int {
        var rest = candidates[...]
        var count = 0
        while !rest.isEmpty {
            var batch = EventBatch(exchange: exchange)
            try log.read { db in
                while let candidate = rest.first, batch.byteCount < EventFeed.bytesPerRun {
                    if let recorded = try RecordedEvent.fetch(at: candidate.position, in: db),
                        let event = try readable(recorded, in: db)
                    {
                        batch.add(event, isFrequent: candidate.translation.isFrequent)
                        count += 1
                    }
                    rest = rest.dropFirst()
                }
            }
            try await send(batch.messages(), deadline)
        }
        return count
    }

    /// The public event; nil, and a word in the log, for one that this version cannot read: those behind it are told.
    private func readable(_ recorded: RecordedEvent, in db: Database) throws -> PublishedEvent? {
        do {
            return try translator.publicEvent(of: recorded, in: db)
        } catch let error as JSONError {
            logger.error(
                "an event cannot be read and is not published",
                metadata: ["position": "\(recorded.position)", "type": "\(recorded.type)", "error": "\(error.message)"]
            )
            return nil
        }
    }

    /// Publishes until all are confirmed or returned. What is behind one that has to go again goes again too, so that
    /// the order stays.
    private func send(_ messages: [OutgoingMessage], _ deadline: ContinuousClock.Instant?) async throws {
        var rest = messages[...]
        var pause = Duration.milliseconds(20)
        while !rest.isEmpty {
            if let deadline, ContinuousClock.now >= deadline { throw CancellationError() }
            if deadline == nil { try Task.checkCancellation() }
            let timeout = min(EventFeed.confirmTimeout, deadline.map { max(.zero, $0 - .now) } ?? .seconds(3600))
            let outcomes = await client.publish(Array(rest), timeout: timeout)
            let settled = outcomes.prefix { $0.isSettled }
            for (message, outcome) in zip(rest, settled) { note(message, outcome) }
            rest = rest.dropFirst(settled.count)
            guard let first = rest.first else { break }
            if case .nacked = outcomes[settled.count] { report(first) }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
        }
        isRefused = false
    }

    private func note(_ message: OutgoingMessage, _ outcome: PublishOutcome) {
        if case .acked = outcome {
            listened.insert(message.routingKey)
            published.increment()
        } else {
            listened.remove(message.routingKey)
        }
    }

    /// Somebody's queue is full and refuses more: said once until it takes them.
    private func report(_ message: OutgoingMessage) {
        guard !isRefused else { return }
        isRefused = true
        logger.warning(
            "the broker refuses an event, trying again: a queue that is bound to the exchange is full",
            metadata: ["exchange": .string(exchange), "routing_key": .string(message.routingKey)]
        )
    }
}

extension PublishOutcome {
    /// Whether it need not be published again.
    fileprivate var isSettled: Bool {
        switch self {
        case .acked, .returned: true
        case .nacked, .unknown: false
        }
    }
}
