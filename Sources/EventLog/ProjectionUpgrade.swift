import GRDB

/// Gives an existing log the tables that this version keeps beside its events.
///
/// A table is known by the statement that created it. What is missing is created; a projection whose statement differs
/// (it has a column more, or its state another form) is recomputed from its events, together with the tables that
/// triggers keep for it. It happens in one transaction while the log is opened: a process that is killed meanwhile has
/// changed nothing, and the next opening begins anew. A stream with erased data cannot be folded: the state in its old
/// row is taken over. It takes about as long as a rebuild, half a minute for a million rows, and happens once.
struct ProjectionUpgrade {
    let schema: [SchemaStatement]
    let projections: [any RebuiltProjection]

    init(schema: [String], projections: [any VerifiedProjection]) {
        self.schema = schema.compactMap(SchemaStatement.init)
        self.projections = projections.compactMap { $0 as? any RebuiltProjection }
    }

    /// Throws `.schemaTooNew` for a table in another form that no projection recomputes.
    func run(_ db: Database, path: String) throws {
        guard try !missing(db).isEmpty else { return }
        try db.inTransaction(.immediate) {
            let old = Set(try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'"))
            for projection in recomputed(try missing(db)) { try recompute(projection, old, db) }
            for statement in try missing(db) {
                guard statement.kind != .table || !old.contains(statement.name) else {
                    throw EventLogError(
                        .schemaTooNew,
                        "\(path): table \(statement.name) has a form that this version does not know; run the version that wrote it"
                    )
                }
                try db.execute(sql: "DROP \(statement.kind.rawValue) IF EXISTS \"\(statement.name)\"")
                try db.execute(sql: statement.text)
            }
            return .commit
        }
    }

    /// The tables whose rows this version would make anew, those that triggers keep with them included.
    func outdated(_ db: Database) throws -> Set<String> {
        let missing = try missing(db)
        let tables = recomputed(missing).map(\.table)
        let absent = missing.filter { $0.kind == .table }.map(\.name)
        return Set(tables + tables.flatMap(keptTables) + absent)
    }

    private func missing(_ db: Database) throws -> [SchemaStatement] {
        let known = try String.fetchSet(db, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
        return schema.filter { !known.contains($0.text) }
    }

    /// The projections to recompute: those with another table or trigger, and whatever shares a kept table with them.
    private func recomputed(_ missing: [SchemaStatement]) -> [any RebuiltProjection] {
        let wanted = Set(missing.filter { $0.kind != .index }.map(\.table))
        var tables = Set(projections.map(\.table)).intersection(wanted)
        var isGrowing = true
        while isGrowing {
            let before = tables.count
            let kept = Set(tables.flatMap(keptTables)).union(wanted)
            for projection in projections where !kept.isDisjoint(with: keptTables(by: projection.table)) {
                tables.insert(projection.table)
            }
            isGrowing = tables.count > before
        }
        return projections.filter { tables.contains($0.table) }
    }

    /// The tables, no projections themselves, that triggers on `table` write.
    private func keptTables(by table: String) -> [String] {
        let triggers = schema.filter { $0.kind == .trigger && $0.table == table }.map(\.text).joined(separator: " ")
        let own = Set(projections.map(\.table))
        return schema.filter { $0.kind == .table && !own.contains($0.name) && triggers.contains(" \($0.name) ") }
            .map(\.name)
    }

    private func recompute(_ projection: any RebuiltProjection, _ old: Set<String>, _ db: Database) throws {
        let table = projection.table
        let former = "\(table) before its upgrade"
        let parts = try Row.fetchAll(
            db,
            sql: "SELECT type, name FROM sqlite_schema WHERE tbl_name = ? AND type <> 'table' AND sql IS NOT NULL",
            arguments: [table]
        )
        for part in parts { try db.execute(sql: "DROP \(part[0] as String) \"\(part[1] as String)\"") }
        if old.contains(table) { try db.execute(sql: "ALTER TABLE \"\(table)\" RENAME TO \"\(former)\"") }
        let kept = keptTables(by: table)
        for name in kept { try db.execute(sql: "DROP TABLE IF EXISTS \"\(name)\"") }
        // The triggers are there when the rows come, the indexes are made faster afterwards.
        let own = schema.filter { $0.table == table || kept.contains($0.table) }
        for kind in [SchemaStatement.Kind.table, .trigger] {
            for statement in own where statement.kind == kind { try db.execute(sql: statement.text) }
        }
        try projection.refold(db, formerly: old.contains(table) ? former : nil)
        for statement in own where statement.kind == .index { try db.execute(sql: statement.text) }
        if old.contains(table) { try db.execute(sql: "DROP TABLE \"\(former)\"") }
    }
}

/// One CREATE statement of a schema.
struct SchemaStatement {
    enum Kind: String {
        case table = "TABLE"
        case index = "INDEX"
        case trigger = "TRIGGER"
    }

    let kind: Kind
    let name: String
    /// What it creates, or the table that it belongs to.
    let table: String
    let text: String

    /// Nil for what is no CREATE of a table, an index or a trigger.
    init?(_ text: String) {
        let words = text.split(maxSplits: 40) { $0.isWhitespace || $0 == "(" }.map { $0.filter { $0 != "\"" } }
        guard words.first == "CREATE", let noun = words.firstIndex(where: { Kind(rawValue: $0) != nil }),
            let kind = Kind(rawValue: words[noun]), noun + 1 < words.count
        else { return nil }
        self.kind = kind
        self.text = text
        name = words[noun + 1]
        guard kind != .table else {
            table = name
            return
        }
        guard let on = words.firstIndex(of: "ON"), on + 1 < words.count else { return nil }
        table = words[on + 1]
    }
}
