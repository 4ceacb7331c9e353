package import AMQP
package import ArgumentParser
import Contracts
package import EventLog
package import Logging
package import ServiceLifecycle

/// Tells other programs what happens in a log: CloudEvents on the events exchange, in the order of the log for each
/// object, each at least once.
///
/// It has a cursor of its own, "events", so that nothing it waits for holds up the protocol between the daemons. A log
/// that it has never walked is told from its present end on. While publishing is switched off the cursor stands still,
/// and what happened meanwhile is told when it is switched on again.
package struct EventPublisher: ServiceLifecycle.Service {
    static let cursor = "events"
    private static let flushLimit = Duration.seconds(2)

    private let log: LogReader
    private let writer: any LogHead
    private let logger: Logger
    private let start: Int64
    private let feed: EventFeed

    /// Made before anything is appended to `log`, so that a new log is told from its first event on. Throws
    /// ``EventLogError`` when the log cannot be read.
    ///
    /// - Parameters:
    ///   - name: what events name as their source: the daemon's name.
    ///   - exchange: of all events.
    package init(
        name: String,
        exchange: String,
        categories: [PublishedCategory],
        log: LogReader,
        writer: any LogHead,
        client: AMQPClient,
        logger: Logger
    ) throws {
        self.log = log
        self.writer = writer
        self.logger = logger
        start = try log.knownCursor(EventPublisher.cursor) ?? log.head()
        feed = EventFeed(
            name: name,
            exchange: exchange,
            categories: categories,
            log: log,
            client: client,
            logger: logger
        )
    }

    package func run() async throws {
        // A process that dies before its first batch must not forget where it began.
        writer.noteCursor(EventPublisher.cursor, start)
        let walk = LogWalk(
            name: EventPublisher.cursor,
            writer: writer,
            logger: logger,
            flushLimit: EventPublisher.flushLimit
        )
        await walk.run(from: start) { [writer, feed] position, deadline in
            let reached = try await feed.publishBatch(after: position, deadline: deadline)
            writer.noteCursor(EventPublisher.cursor, reached)
            return reached
        }
    }
}

/// Whether a manager tells other programs what happens.
package struct EventOptions: ParsableArguments, Sendable {
    @Option(help: "on or off: publish events on <prefix>.events (CARILLON_PUBLISH_EVENTS, on).")
    package var publishEvents: String?

    package init() {}

    /// What is set; throws ``ConfigurationError`` for another word.
    package func isOn(_ environment: [String: String]) throws(ConfigurationError) -> Bool {
        try Environment.oneOf(
            "CARILLON_PUBLISH_EVENTS",
            flag: publishEvents,
            in: environment,
            default: "on",
            allowed: ["on", "off"]
        ) == "on"
    }

    /// The service that publishes the events of a manager's log; none when that is switched off. Throws as
    /// ``EventPublisher/init(name:exchange:categories:log:writer:client:logger:)``.
    package func services(
        of categories: [PublishedCategory],
        log: LogReader,
        writer: any LogHead,
        bus: Bus,
        _ context: DaemonContext
    ) throws -> [any ServiceLifecycle.Service] {
        guard try isOn(context.environment) else { return [] }
        let publisher = try EventPublisher(
            name: context.name,
            exchange: bus.names.events,
            categories: categories,
            log: log,
            writer: writer,
            client: bus.client,
            logger: context.logger
        )
        return [publisher]
    }
}
