import Contracts
import GRDB
import Glibc

/// The steps of a rebuild: events and rows into files of their own side by side, then the rows to the events.
struct RebuildPlan: Sendable {
    let source: String
    let schema: [String]
    let projections: [any VerifiedProjection]
    var files: RebuildFiles

    /// Copies the events into one file while the rows are folded into others; the head that all of them have seen.
    mutating func copyAndFold(_ reader: LogReader, _ found: (Violation) -> Void) throws -> Int64 {
        let pieces = try reader.read { try foldPieces($0) }
        files.rows = (1...pieces.count).map(files.rows(of:))
        let plan = self
        let findings = Findings(count: pieces.count + 1)
        let heads = Monitor<[Int64]>([])
        // The copy, which takes longest, comes first.
        SideBySide.run(pieces.count + 1) { part in
            findings.collect(part) { report in
                let head = try part == 0 ? plan.copyEvents(reader) : plan.fold(pieces[part - 1], part, reader, report)
                heads.withLock { $0.append(head) }
            }
        }
        let problems = try findings.all()
        let all = heads.withLock { $0 }
        guard all.count == pieces.count + 1, let head = all.first else {
            let damage = problems.last { $0.kind == "file" }?.message ?? "\(source) is damaged"
            throw EventLogError(.corrupt, "it cannot be rebuilt: \(damage)")
        }
        guard all.allSatisfy({ $0 == head }) else {
            throw EventLogError(.locked, "\(source) is being written to; stop the daemon, or rebuild from a copy")
        }
        for problem in problems { found(problem) }
        return head
    }

    private func foldPieces(_ source: Database) throws -> [RebuildPiece] {
        var pieces: [RebuildPiece] = []
        for case let projection as any RebuiltProjection in projections {
            pieces += try projection.rebuildPieces(source)
        }
        return pieces + [RebuildPiece { [self] source, target, _ in try copyOthers(source, into: target) }]
    }

    // MARK: - Events

    /// The events and what belongs to them, without projections; the position of the last one.
    ///
    /// A sound file is copied page by page, in half the time that its rows take.
    private func copyEvents(_ reader: LogReader) throws -> Int64 {
        if let head = try? copyPages(reader) { return head }
        unlink(files.partial)
        return try copyRows()
    }

    /// The whole file; then what is to be made anew is dropped. Nil when the tables are not those of this version.
    private func copyPages(_ reader: LogReader) throws -> Int64? {
        try EventLogFile.makePrivateFile(files.partial)
        let copy = try DatabaseQueue(path: files.partial)
        return try copy.writeWithoutTransaction { target in
            for setting in RebuildPlan.copySettings { try target.execute(sql: "PRAGMA \(setting)") }
            let head = try reader.read { source in
                try source.backup(to: target)
                return try Int64.fetchOne(source, sql: "SELECT max(position) FROM event") ?? 0
            }
            // The copied header says WAL.
            try target.execute(sql: "PRAGMA journal_mode = OFF")
            let names = EventLogSchema.tables.map { "'\($0)'" }.joined(separator: ", ")
            let condition = "FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name"
            let statements = try String.fetchSet(target, sql: "SELECT sql \(condition) IN (\(names))")
            guard statements == Set(EventLogSchema.statements) else { return nil }
            let others = "SELECT name \(condition) NOT IN (\(names)) AND type = 'table'"
            for table in try String.fetchAll(target, sql: others) { try target.execute(sql: "DROP TABLE \"\(table)\"") }
            guard try RebuildPlan.isWhole(target) else { return nil }
            return head
        }
    }

    /// Whether no page of what is kept went with what was dropped, as happens when a damaged table points into another:
    /// dropped pages are zero, and a walk over every page of a table or index meets them.
    private static func isWhole(_ db: Database) throws -> Bool {
        for table in EventLogSchema.tables {
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table) NOT INDEXED")
        }
        let indexes = try String.fetchAll(db, sql: "SELECT name FROM pragma_index_list('event')")
        let walks = ["NOT INDEXED"] + indexes.map { "INDEXED BY \"\($0)\"" }
        let counts = try walks.map { try Int.fetchOne(db, sql: "SELECT count(*) FROM event \($0)") }
        return Set(counts).count == 1
    }

    /// Whole tables at once: SQLite then copies rows and indexes as they lie in the file, without sorting.
    private func copyRows() throws -> Int64 {
        let file = try RawDatabase(creating: files.partial)
        for setting in RebuildPlan.copySettings { try file.execute("PRAGMA \(setting)") }
        for statement in EventLogSchema.statements { try file.execute(statement) }
        try file.attach(source, as: "source")
        try file.execute("BEGIN")
        for table in EventLogSchema.tables {
            try file.execute("INSERT INTO main.\(table) SELECT * FROM source.\(table)")
        }
        try file.execute("COMMIT")
        try file.execute("PRAGMA application_id = \(EventLogSchema.applicationID)")
        try file.execute("PRAGMA user_version = \(EventLogSchema.format)")
        return try file.integer("SELECT coalesce(max(position), 0) FROM main.event")
    }

    /// The file is worth nothing before it is whole; what is dropped of it is overwritten, as it may be personal.
    private static let copySettings = [
        "journal_mode = OFF", "synchronous = OFF", "cache_size = -32768", "secure_delete = ON",
    ]

    // MARK: - Rows

    private func fold(
        _ piece: RebuildPiece,
        _ part: Int,
        _ reader: LogReader,
        _ report: (Violation) -> Void
    ) throws -> Int64 {
        let file = files.rows(of: part)
        try EventLogFile.makePrivateFile(file)
        let rows = try DatabaseQueue(path: file)
        return try rows.writeWithoutTransaction { target in
            for setting in ["journal_mode = OFF", "synchronous = OFF", "cache_size = -8192"] {
                try target.execute(sql: "PRAGMA \(setting)")
            }
            return try target.inTransactionReturning {
                try reader.read { db in
                    try piece.rebuild(db, target, report)
                    return try Int64.fetchOne(db, sql: "SELECT max(position) FROM event") ?? 0
                }
            }
        }
    }

    /// The tables that nothing recomputes.
    private func copyOthers(_ source: Database, into target: Database) throws {
        for statement in schema { try target.execute(sql: statement) }
        let rebuilt = Set(projections.compactMap { ($0 as? any RebuiltProjection)?.table })
        let triggers = try String.fetchAll(target, sql: "SELECT sql FROM sqlite_schema WHERE type = 'trigger'").joined()
        let tables = try String.fetchAll(target, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
        for table in tables where !rebuilt.contains(table) && !triggers.contains(" \(table) ") {
            guard try source.tableExists(table) else { continue }
            let columns = try target.columns(in: table).map { "\"\($0.name)\"" }.joined(separator: ", ")
            let values = try target.columns(in: table).map { _ in "?" }.joined(separator: ", ")
            let insert = try target.makeStatement(sql: "INSERT INTO \"\(table)\"(\(columns)) VALUES (\(values))")
            let rows = try Row.fetchCursor(source, sql: "SELECT \(columns) FROM \"\(table)\"")
            while let row = try rows.next() { try insert.execute(arguments: StatementArguments(row.databaseValues)) }
        }
    }

    // MARK: - Together

    /// Brings the rows to the events: with triggers, which keep what follows from them, and before the indexes, which
    /// are made faster at once.
    func join() throws {
        let file = try RawDatabase(creating: files.partial)
        try file.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768")
        let isIndex = { (statement: String) in
            statement.hasPrefix("CREATE INDEX") || statement.hasPrefix("CREATE UNIQUE")
        }
        for statement in schema where !isIndex(statement) { try file.execute(statement) }
        for rows in files.rows {
            try file.attach(rows, as: "rebuilt")
            try file.execute("BEGIN")
            for table in try file.texts("SELECT name FROM rebuilt.sqlite_schema WHERE type = 'table'") {
                try file.execute("INSERT INTO main.\"\(table)\" SELECT * FROM rebuilt.\"\(table)\"")
            }
            try file.execute("COMMIT")
            try file.execute("DETACH rebuilt")
        }
        for statement in schema where isIndex(statement) { try file.execute(statement) }
        try file.execute("PRAGMA journal_mode = WAL")
    }

    /// What is not rebuilt by folding is checked in the source, and in the new file, which has to be right.
    func checkRest(_ reader: LogReader, _ report: (Violation) -> Void) throws {
        let rebuilt = try LogReader(path: files.partial)
        for projection in projections where !(projection is any RebuiltProjection) {
            try reader.read { try projection.check($0, report: report) }
            try rebuilt.read { db in
                try projection.check(db) { found in
                    report(Violation(found.position, found.kind, "in the rebuilt file: \(found.message)"))
                }
            }
        }
    }
}

extension Database {
    fileprivate func inTransactionReturning<T>(_ body: () throws -> T) throws -> T {
        var result: T?
        try inTransaction(.immediate) {
            result = try body()
            return .commit
        }
        guard let result else { preconditionFailure("a transaction was committed without a result") }
        return result
    }
}
