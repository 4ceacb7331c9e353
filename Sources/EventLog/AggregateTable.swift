package import Contracts
package import GRDB

/// The persisted fold of every stream of one category: a row holds id, version, state, and the columns to search by.
///
/// The table is named after the category. `state` is canonical JSON text, readable with the sqlite3 shell.
package struct AggregateTable<A: Aggregate>: Sendable {
    /// A part of the state that queries need to see.
    package struct Column: Sendable {
        package enum Kind: String, Sendable {
            case integer = "INTEGER"
            case text = "TEXT"
            case blob = "BLOB"
        }

        package let name: String
        package let type: Kind
        package let value: @Sendable (A) -> DatabaseValue

        package init(_ name: String, _ type: Kind, value: @escaping @Sendable (A) -> DatabaseValue) {
            self.name = name
            self.type = type
            self.value = value
        }
    }

    /// An aggregate as it is after the event `version` of its stream.
    package struct Loaded: Sendable {
        package var id: ID
        package var state: A
        package var version: Int64

        package init(id: ID, state: A, version: Int64) {
            self.id = id
            self.state = state
            self.version = version
        }
    }

    package let columns: [Column]
    private let indexes: [String]
    private let form: Int
    private let selectSQL: String
    private let insertSQL: String
    private let updateSQL: String

    /// - Parameters:
    ///   - indexes: whole CREATE INDEX statements.
    ///   - form: counts the forms that the JSON of the state has had; a log with an earlier one is recomputed when it is
    ///     opened. A change of the columns or indexes shows by itself.
    package init(columns: [Column] = [], indexes: [String] = [], form: Int = 1) {
        self.columns = columns
        self.indexes = indexes
        self.form = form
        let names = ["version", "state"] + columns.map(\.name)
        let quoted = names.map { "\"\($0)\"" }
        selectSQL = "SELECT id, version, state FROM \"\(A.category)\""
        insertSQL = """
            INSERT INTO "\(A.category)"(\(quoted.joined(separator: ", ")), id)
            VALUES (\(names.map { _ in "?" }.joined(separator: ", ")), ?)
            """
        updateSQL = """
            UPDATE "\(A.category)" SET \(quoted.map { "\($0) = ?" }.joined(separator: ", ")) WHERE id = ?
            """
    }

    /// The statements that create the table and its indexes; given to ``EventLogFile/open(path:schema:process:now:)``.
    package var schema: [String] {
        let note = form > 1 ? " /* form \(form) */" : ""
        let own = ["id BLOB NOT NULL PRIMARY KEY", "version INTEGER NOT NULL", "state TEXT NOT NULL\(note)"]
        let all = own + columns.map { "\"\($0.name)\" \($0.type.rawValue)" }
        return ["CREATE TABLE \"\(A.category)\"(\n    \(all.joined(separator: ",\n    "))\n) STRICT"] + indexes
    }

    /// The stream of one aggregate.
    package static func stream(of id: ID) -> String { "\(A.category)-\(id)" }
}

// MARK: - Reading

extension AggregateTable {
    /// The aggregate `id`, or nil when it does not exist.
    package func load(_ id: ID, in db: Database) throws -> Loaded? {
        let row = try PreparedStatement.cached(selectSQL + " WHERE id = ?", in: db)
        defer { row.reset() }
        row.bind(id, at: 1)
        return try row.step() ? try decode(row) : nil
    }

    /// The aggregate `id` as a table of another name has it.
    func load(_ id: ID, fromTable name: String, in db: Database) throws -> Loaded? {
        let row = try PreparedStatement.cached("SELECT id, version, state FROM \"\(name)\" WHERE id = ?", in: db)
        defer { row.reset() }
        row.bind(id, at: 1)
        return try row.step() ? try decode(row) : nil
    }

    /// The aggregate `id` as the turn has it so far, or nil when it does not exist.
    package func load(_ id: ID, in turn: Turn) throws -> Loaded? {
        let cache = turn.cache(of: self)
        if let loaded = cache[id] { return loaded }
        let loaded = try load(id, in: turn.connectionForRows)
        if let loaded { cache.keep(loaded) }
        return loaded
    }

    /// The aggregates that the rest of a SELECT names: "WHERE status = ? ORDER BY id LIMIT 10".
    package func fetch(_ sqlTail: String, _ arguments: StatementArguments = [], in db: Database) throws -> [Loaded] {
        let statement = try db.cachedStatement(sql: "\(selectSQL) \(sqlTail)")
        try statement.setArguments(arguments)
        let row = PreparedStatement(statement)
        defer { row.reset() }
        var found: [Loaded] = []
        while try row.step() { found.append(try decode(row)) }
        return found
    }

    private func decode(_ row: PreparedStatement) throws -> Loaded {
        guard let id = row.id(0) else { throw EventLogError(.corrupt, "a row of \(A.category) has no id; run verify") }
        do {
            return Loaded(id: id, state: try A(json: try JSONValue(parsing: row.bytes(2))), version: row.integer(1))
        } catch {
            throw EventLogError(
                .corrupt,
                "the state of \(A.category) \(id) cannot be read (\(error)); rebuild",
                underlying: error
            )
        }
    }
}

// MARK: - Writing

extension AggregateTable {
    /// Appends `events` to the aggregate's stream and folds them into its state; its row follows before anybody asks.
    ///
    /// `current` is what ``load(_:in:)`` gave, nil for a new aggregate; the events are recorded at the turn's `now`, with
    /// ids of the turn. Throws `.versionConflict` when `current` is not the newest version.
    package func record(
        _ events: [A.Event],
        on id: ID,
        current: Loaded?,
        context: EventContext,
        in turn: Turn
    ) throws -> Loaded {
        var state = current?.state
        var appended: [NewEvent] = []
        appended.reserveCapacity(events.count)
        for event in events {
            appended.append(
                NewEvent(
                    type: event.type,
                    schema: A.Event.currentSchema,
                    id: turn.ids.next(at: turn.now),
                    data: event.json.bytes
                )
            )
            A.evolve(&state, event, at: turn.now)
        }
        guard let state else { preconditionFailure("\(A.category) \(id) has no state after \(events.map(\.type))") }
        let version = current?.version ?? 0
        let loaded = Loaded(id: id, state: state, version: version + Int64(events.count))
        if events.isEmpty { return loaded }
        _ = try turn.append(
            appended,
            to: AggregateTable.stream(of: id),
            expecting: .exactly(version),
            context: context
        )
        turn.cache(of: self).change(to: loaded, isNew: current == nil)
        return loaded
    }

    func write(_ loaded: Loaded, isNew: Bool, in db: Database) throws {
        let row = try PreparedStatement.cached(isNew ? insertSQL : updateSQL, in: db)
        row.bind(loaded.version, at: 1)
        row.bind(text: loaded.state.json.bytes, at: 2)
        var index: Int32 = 3
        for column in columns {
            row.bind(column.value(loaded.state), at: index)
            index += 1
        }
        row.bind(loaded.id, at: index)
        try row.run()
        if !isNew, db.changesCount != 1 {
            throw EventLogError(.corrupt, "the row of \(A.category) \(loaded.id) is gone; rebuild")
        }
    }
}
