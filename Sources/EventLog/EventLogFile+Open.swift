package import Contracts
import GRDB
import GRDBSQLite
import Glibc

extension EventLogFile {
    /// How long to wait for a tool that briefly locks the file.
    static let busyMilliseconds: Int32 = 5000

    /// Opens the log at `path`, or creates it with the tables of `schema` beside its own.
    ///
    /// Tables of `schema` that an existing log lacks are made, and those of `projections` that have another form are
    /// recomputed from the events: see ``ProjectionUpgrade``.
    ///
    /// Checks the events since the last verified one, so it takes the same time for any size of log. Records a
    /// `process_started` event at `now` when `process` is given. Throws ``EventLogError``: `.locked`, `.notALog`,
    /// `.schemaTooNew`, `.slice`, `.permission`, `.corrupt` (naming the position) and the like.
    package static func open(
        path: String,
        schema: [String] = [],
        projections: [any VerifiedProjection] = [],
        process: LogProcess? = nil,
        now: Timestamp = WallClock.now()
    ) throws -> EventLogFile {
        let path = LockFile.resolved(path)
        let lock = try LockFile(guarding: path)
        try makePrivateFile(path)
        let file = try EventLogError.translating(path) {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            return try queue.writeWithoutTransaction { db in
                try checkKind(db, path: path)
                try configure(db, path: path)
                try createIfEmpty(db, schema: schema, now: now)
                let (logID, memory) = try loadMemory(db, path: path)
                try ProjectionUpgrade(schema: schema, projections: projections).run(db, path: path)
                return EventLogFile(
                    path: path,
                    logID: logID,
                    queue: queue,
                    memory: memory,
                    statements: try LogStatements(db),
                    checkpoints: CheckpointSchedule(db),
                    lock: lock
                )
            }
        }
        try file.begin(process, now: now)
        return file
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "event-log"
        configuration.busyMode = .timeout(Double(busyMilliseconds) / 1000)
        return configuration
    }

    /// SQLite gives its `-wal` and `-shm` files the mode of the database file.
    static func makePrivateFile(_ path: String) throws(EventLogError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            Glibc.close(descriptor)
        } else if errno != EEXIST {
            throw EventLogError.opening(path, errno: errno)
        } else {
            // Never opened here: closing a descriptor would drop the locks that SQLite holds on the same file.
            chmod(path, 0o600)
        }
    }

    private static func checkKind(_ db: Database, path: String) throws {
        let applicationID = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let tables = try Int64.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        if applicationID == 0, tables == 0 { return }
        guard applicationID == EventLogSchema.applicationID else {
            throw EventLogError(.notALog, "\(path) is another program's database; give another path")
        }
        try checkFormat(db, path: path)
        guard try !Slice.isSlice(db) else {
            throw EventLogError(
                .slice,
                "\(path) is a slice of a log, imported for reading: nothing can be appended to it; give the whole log"
            )
        }
    }

    /// Throws `.schemaTooNew` for a log that a later version wrote.
    static func checkFormat(_ db: Database, path: String) throws {
        let format = try Int64.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard format <= EventLogSchema.format else {
            throw EventLogError(
                .schemaTooNew,
                "\(path) has format \(format), this program knows up to \(EventLogSchema.format); run the newer version"
            )
        }
    }

    private static func configure(_ db: Database, path: String) throws {
        let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw EventLogError(.inputOutput, "\(path) is on a file system without shared memory; use a local disk")
        }
        for setting in [
            "synchronous = FULL", "wal_autocheckpoint = 0", "cache_size = -65536", "mmap_size = 0",
            "temp_store = MEMORY", "secure_delete = ON", "trusted_schema = OFF",
        ] { try db.execute(sql: "PRAGMA \(setting)") }
        // With less a commit that was answered can vanish at power loss.
        let level = try Int.fetchOne(db, sql: "PRAGMA synchronous")
        guard level == 2 else {
            throw EventLogError(.inputOutput, "\(path): synchronous is \(level ?? -1) instead of FULL (2)")
        }
    }

    private static func createIfEmpty(_ db: Database, schema: [String], now: Timestamp) throws {
        guard try Int64.fetchOne(db, sql: "PRAGMA application_id") == 0 else { return }
        var ids = IDGenerator()
        let logID = ids.next(at: now)
        try db.inTransaction(.immediate) {
            for statement in EventLogSchema.statements + schema { try db.execute(sql: statement) }
            try db.execute(
                sql: "INSERT INTO meta VALUES ('log_id', ?), ('created_at', ?), ('verified_position', 0)",
                arguments: [logID, now]
            )
            try db.execute(sql: "PRAGMA application_id = \(EventLogSchema.applicationID)")
            try db.execute(sql: "PRAGMA user_version = \(EventLogSchema.format)")
            return .commit
        }
    }

    /// Reads the last verified event and checks all that came after it.
    private static func loadMemory(_ db: Database, path: String) throws -> (logID: ID, memory: LogMemory) {
        let mark = try VerifiedMark(db, path: path)
        var scan = ChainScan(after: mark.position, chain: mark.chain)
        try mark.check(db) { throw EventLogError(corrupt: $0, path: path) }
        try scan.run(db) { throw EventLogError(corrupt: $0, path: path) }
        let memory = LogMemory(head: scan.position, chain: scan.chain, verified: mark.position)
        return (mark.logID, memory)
    }

    private func begin(_ process: LogProcess?, now: Timestamp) throws {
        var ids = IDGenerator()
        try perform(now: now, ids: &ids) { turn in
            turn.timersChanged()
            guard let process else { return }
            let id = turn.ids.next(at: now)
            let data: JSONValue = [
                "name": .string(process.name), "version": .string(process.version),
                "process_id": .integer(Int(getpid())), "configuration": process.configuration,
            ]
            _ = try turn.append(
                [NewEvent(type: "process_started", id: id, data: data.bytes)],
                to: "process-\(process.name)",
                expecting: .any,
                context: EventContext(correlation: id, actor: "system")
            )
        }
    }
}

extension EventLogError {
    init(corrupt violation: Violation, path: String) {
        self.init(
            .corrupt,
            "\(path) is damaged at position \(violation.position): \(violation.message); restore it from a backup"
        )
    }
}
