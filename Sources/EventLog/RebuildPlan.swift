import Contracts
import GRDB
import Glibc

/// The steps of a rebuild: events and rows into two files side by side, then the rows to the events.
struct RebuildPlan: Sendable {
    let source: String
    let schema: [String]
    let projections: [any VerifiedProjection]
    let files: RebuildFiles

    /// Copies the events into one file while the rows are folded into another, and runs `pieces` beside them; the head
    /// that both have seen.
    func copyAndFold(_ reader: LogReader, beside pieces: [VerificationPiece], _ found: Findings) throws -> Int64 {
        let heads = Monitor((copied: Int64?.none, folded: Int64?.none))
        // The two that take longest come first.
        SideBySide.run(2 + pieces.count) { part in
            found.collect(part) { report in
                if part > 1 { return try reader.read { try pieces[part - 2].check($0, report) } }
                if part == 0 {
                    let head = try copyEvents()
                    heads.withLock { $0.copied = head }
                } else {
                    let head = try fold(reader, report)
                    heads.withLock { $0.folded = head }
                }
            }
        }
        let problems = try found.all()
        let (copied, folded) = heads.withLock { ($0.copied, $0.folded) }
        guard let copied, let folded else {
            let damage = problems.last { $0.kind == "file" }?.message ?? "\(source) is damaged"
            throw EventLogError(.corrupt, "it cannot be rebuilt: \(damage)")
        }
        guard copied == folded else {
            throw EventLogError(.locked, "\(source) is being written to; stop the daemon, or rebuild from a copy")
        }
        return copied
    }

    // MARK: - Events

    /// Whole tables at once: SQLite then copies rows and indexes as they lie in the file, without sorting.
    private func copyEvents() throws -> Int64 {
        let file = try RawDatabase(creating: files.partial)
        try file.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768")
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

    // MARK: - Rows

    private func fold(_ reader: LogReader, _ report: (Violation) -> Void) throws -> Int64 {
        try EventLogFile.makePrivateFile(files.rows)
        let rows = try DatabaseQueue(path: files.rows)
        return try rows.writeWithoutTransaction { target in
            for setting in ["journal_mode = OFF", "synchronous = OFF", "cache_size = -32768"] {
                try target.execute(sql: "PRAGMA \(setting)")
            }
            return try target.inTransactionReturning {
                for statement in schema { try target.execute(sql: statement) }
                return try reader.read { db in
                    for case let projection as any RebuiltProjection in projections {
                        try projection.rebuild(db, into: target, report: report)
                    }
                    try copyOthers(db, into: target)
                    return try Int64.fetchOne(db, sql: "SELECT max(position) FROM event") ?? 0
                }
            }
        }
    }

    /// The tables that nothing recomputes.
    private func copyOthers(_ source: Database, into target: Database) throws {
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

    /// Brings the rows to the events, and the triggers after them: what they keep is there already.
    func join() throws {
        let file = try RawDatabase(creating: files.partial)
        try file.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768")
        try file.attach(files.rows, as: "rebuilt")
        let isTrigger = { (statement: String) in statement.hasPrefix("CREATE TRIGGER") }
        for statement in schema where !isTrigger(statement) { try file.execute(statement) }
        try file.execute("BEGIN")
        for table in try file.texts("SELECT name FROM rebuilt.sqlite_schema WHERE type = 'table'") {
            try file.execute("INSERT INTO main.\"\(table)\" SELECT * FROM rebuilt.\"\(table)\"")
        }
        try file.execute("COMMIT")
        for statement in schema where isTrigger(statement) { try file.execute(statement) }
        // With a file attached it would be asked to change too.
        try file.execute("DETACH rebuilt")
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
