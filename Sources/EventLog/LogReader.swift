package import Contracts
package import GRDB

/// Reads a log that may be live, a copy or a backup, and never writes a byte of it.
///
/// Safe from any thread; each read sees one moment of the log. A long read keeps the writer from reusing its WAL, so
/// walk over many events with ``forEachEvent(after:upTo:_:)``, which reads in pages.
package final class LogReader: Sendable {
    package let path: String
    package let logID: ID
    private let pool: DatabasePool

    /// Opens the log at `path` for reading; throws ``EventLogError``: `.notALog`, `.schemaTooNew`, `.permission`.
    package convenience init(path: String) throws { try self.init(path: path, isForWalks: false) }

    /// - Parameter isForWalks: whether whole tables will be read, which is worth a larger cache.
    init(path: String, isForWalks: Bool) throws {
        self.path = path
        (pool, logID) = try EventLogError.translating(path) {
            let pool = try DatabasePool(path: path, configuration: LogReader.configuration(isForWalks: isForWalks))
            let logID = try pool.read { db in
                guard try Int64.fetchOne(db, sql: "PRAGMA application_id") == EventLogSchema.applicationID else {
                    throw EventLogError(.notALog, "\(path) is not an event log; give another path")
                }
                try EventLogFile.checkFormat(db, path: path)
                return try VerifiedMark(db, path: path).logID
            }
            return (pool, logID)
        }
    }

    private static func configuration(isForWalks: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.label = "event-log-reader"
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA query_only = ON")
            try db.execute(sql: "PRAGMA trusted_schema = OFF")
            // In KiB, for each of the connections.
            if isForWalks { try db.execute(sql: "PRAGMA cache_size = -16384") }
        }
        return configuration
    }

    /// Runs `body` in one read transaction; it has to be short.
    package func read<T>(_ body: (Database) throws -> T) throws -> T {
        try EventLogError.translating(path) { try pool.read(body) }
    }

    /// The position of the last event; 0 for an empty log.
    package func head() throws -> Int64 {
        try read { try LogReader.integer("SELECT max(position) FROM event", [], $0) ?? 0 }
    }

    /// How far the reader `name` has come; 0 when it never said.
    package func cursor(_ name: String) throws -> Int64 {
        try read { try LogReader.integer("SELECT position FROM cursor WHERE name = ?", [name], $0) ?? 0 }
    }

    /// At most `limit` events after `position`, in order.
    package func events(after position: Int64, limit: Int) throws -> [RecordedEvent] {
        try events("WHERE position > ? ORDER BY position LIMIT ?", [position, limit])
    }

    /// All events of `stream`, in order.
    package func events(of stream: String) throws -> [RecordedEvent] {
        try events("WHERE stream = ? ORDER BY version", [stream])
    }

    /// All events that one request or delivery led to, in order.
    package func events(correlation: ID) throws -> [RecordedEvent] {
        try events("WHERE correlation_id = ? ORDER BY position", [correlation])
    }

    package func event(id: ID) throws -> RecordedEvent? {
        try events("WHERE event_id = ?", [id]).first
    }

    package func event(at position: Int64) throws -> RecordedEvent? {
        try events("WHERE position = ?", [position]).first
    }

    /// The events that the rest of a SELECT names: "WHERE type = ? ORDER BY position LIMIT 10".
    package func events(_ sqlTail: String, _ arguments: StatementArguments) throws -> [RecordedEvent] {
        try read { try RecordedEvent.fetch(sqlTail, arguments, in: $0) }
    }

    /// Walks over the events after `position` up to `last` (the head at the start when nil) until `body` says false.
    package func forEachEvent(
        after position: Int64 = 0,
        upTo last: Int64? = nil,
        _ body: (RecordedEvent) throws -> Bool
    ) throws {
        let last = try last ?? head()
        var position = position
        while position < last {
            let page = try events(
                "WHERE position > ? AND position <= ? ORDER BY position LIMIT 1000",
                [position, last]
            )
            for event in page where try !body(event) { return }
            guard let end = page.last?.position else { return }
            position = end
        }
    }

    private static func integer(_ sql: String, _ arguments: StatementArguments, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(try db.cachedStatement(sql: sql), arguments: arguments)
    }
}

extension RecordedEvent {
    static let columns = """
        position, stream, version, type, schema, event_id, correlation_id, causation_id, recorded_at, actor, data
        """

    /// Reads a row that begins with ``columns``.
    init(_ row: PreparedStatement) throws {
        guard let id = row.id(5), let correlation = row.id(6) else {
            throw EventLogError(.corrupt, "the event at position \(row.integer(0)) has no id; run verify")
        }
        self.init(
            position: row.integer(0),
            stream: row.text(1),
            version: row.integer(2),
            type: row.text(3),
            schema: Int(row.integer(4)),
            id: id,
            correlation: correlation,
            causation: row.id(7),
            recordedAt: Timestamp(microseconds: row.integer(8)),
            actor: row.text(9),
            data: row.isNull(10) ? nil : row.array(10)
        )
    }

    /// The events that the rest of a SELECT names, within a transaction that is open already.
    package static func fetch(
        _ sqlTail: String,
        _ arguments: StatementArguments,
        in db: Database
    ) throws -> [RecordedEvent] {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM event \(sqlTail)")
        try statement.setArguments(arguments)
        let row = PreparedStatement(statement)
        defer { row.reset() }
        var events: [RecordedEvent] = []
        while try row.step() { events.append(try RecordedEvent(row)) }
        return events
    }
}
