import Contracts
package import GRDB
import GRDBSQLite

extension AggregateTable: VerifiedProjection {
    package var name: String { A.category }

    /// Folds every stream of the category and compares with the rows, both ways.
    ///
    /// Streams and rows come in the same order, that of the ids, so only one of each is in memory. A stream with erased
    /// data cannot be folded: of it only the version is compared.
    package func check(_ db: Database, report: (Violation) -> Void) throws {
        try compare(db, IDRange(), report: report) { _ in }
    }

    /// The same, by ranges of ids.
    package func pieces(_ db: Database) throws -> [VerificationPiece] {
        try IDRange.parts(of: A.category, in: db).map { range in
            VerificationPiece { db, report in try compare(db, range, report: report) { _ in } }
        }
    }

    /// Compares the streams and the rows of `range`, and hands each row as it has to be to `body`.
    func compare(
        _ db: Database,
        _ range: IDRange,
        report: (Violation) -> Void,
        _ body: (FoldedRow<A>) throws -> Void
    ) throws {
        let names = columns.map { ", \"\($0.name)\"" }.joined()
        let row = try PreparedStatement.cached(
            "SELECT id, version, state\(names) FROM \"\(A.category)\" WHERE \(range.condition) ORDER BY id",
            in: db
        )
        defer { row.reset() }
        range.bind(to: row)
        var hasRow = try row.step()
        func surplus() throws {
            let id = row.id(0).map { "\($0)" } ?? "(not an id)"
            report(Violation(0, "projection", "the row of \(A.category) \(id) has no events"))
            hasRow = try row.step()
        }
        try forEachFold(db, range, report) { fold, id in
            while hasRow, row.id(0).map({ $0 < id }) ?? true { try surplus() }
            let isThere = hasRow && row.id(0) == id
            if let state = fold.state, fold.isComplete {
                let folded = FoldedRow<A>.state(Loaded(id: id, state: state, version: fold.version), state.json.bytes)
                try compare(folded, fold, id, isThere ? row : nil, report)
                try body(folded)
            } else if isThere {
                checkVersion(row, fold, id, report)
                try body(.unfolded(id, row))
            } else if fold.isComplete {
                report(Violation(fold.position, "projection", "\(A.category) \(id) has events and no state"))
            }
            if isThere { hasRow = try row.step() }
        }
        while hasRow { try surplus() }
    }

    private func compare(
        _ folded: FoldedRow<A>,
        _ fold: StreamFold<A>,
        _ id: ID,
        _ row: PreparedStatement?,
        _ report: (Violation) -> Void
    ) throws {
        guard case .state(let loaded, let json) = folded else { return }
        guard let row else {
            return report(Violation(fold.position, "projection", "the row of \(A.category) \(id) is missing"))
        }
        checkVersion(row, fold, id, report)
        func differs(_ what: String) {
            report(
                Violation(
                    fold.position,
                    "projection",
                    "\(A.category) \(id): \(what) differs from the replay of its events"
                )
            )
        }
        if !isSame(row.bytes(2), json) || row.type(2) != SQLITE_TEXT { differs("state") }
        var index: Int32 = 3
        for column in columns {
            if row.value(index) != column.value(loaded.state) { differs("column \(column.name)") }
            index += 1
        }
    }

    private func checkVersion(
        _ row: PreparedStatement,
        _ fold: StreamFold<A>,
        _ id: ID,
        _ report: (Violation) -> Void
    ) {
        guard row.integer(1) != fold.version else { return }
        let message = "\(A.category) \(id): the row is at version \(row.integer(1)), its events at \(fold.version)"
        report(Violation(fold.position, "projection", message))
    }

    func forEachFold(
        _ db: Database,
        _ range: IDRange,
        _ report: (Violation) -> Void,
        _ body: (StreamFold<A>, ID) throws -> Void
    ) throws {
        // The length keeps out categories whose names begin with this one's.
        let row = try PreparedStatement.cached(
            """
            SELECT \(StreamFold<A>.columns) FROM event
            WHERE stream >= ? AND stream < ? AND length(stream) = ? ORDER BY stream, version
            """,
            in: db
        )
        defer { row.reset() }
        // '.' is the character after '-'.
        row.bind(range.from.map { "\(A.category)-\($0)" } ?? "\(A.category)-", at: 1)
        row.bind(range.to.map { "\(A.category)-\($0)" } ?? "\(A.category).", at: 2)
        row.bind(Int64(A.category.utf8.count + 37), at: 3)
        // What a slice has of such a stream is no state of anything.
        let partial = try Slice.partialStreams(db)
        var fold = StreamFold<A>()
        var isWhole = true
        while try row.step() {
            if fold.isAnother(row) {
                if isWhole, let id = fold.id { try body(fold, id) }
                fold.begin(row)
                isWhole = partial.isEmpty || !partial.contains(fold.stream)
            }
            guard isWhole, fold.id != nil else { continue }
            if let problem = fold.apply(row) { report(Violation(fold.position, "projection", problem)) }
        }
        if isWhole, let id = fold.id { try body(fold, id) }
    }
}

/// What a row of the table has to be.
enum FoldedRow<A: Aggregate> {
    /// The fold of its stream, and its stored form.
    case state(AggregateTable<A>.Loaded, [UInt8])
    /// The stream cannot be folded, as it was erased or is not understood: the row that is there.
    case unfolded(ID, PreparedStatement)
}

/// A range of ids, the first inclusive, the last exclusive; nil is open.
struct IDRange {
    var from: ID?
    var to: ID?

    /// With the parameters that ``bind(to:)`` gives.
    var condition: String {
        switch (from, to) {
        case (nil, nil): "true"
        case (_?, nil): "id >= ?1"
        case (nil, _?): "id < ?1"
        default: "id >= ?1 AND id < ?2"
        }
    }

    func bind(to statement: PreparedStatement) {
        if let from { statement.bind(from, at: 1) }
        if let to { statement.bind(to, at: from == nil ? 1 : 2) }
    }

    /// Ranges of about as many rows of `table`, one for a small table.
    static func parts(of table: String, in db: Database) throws -> [IDRange] {
        let rowsOfPart = 20_000
        // Near enough to the count, and read without an index, which may be damaged.
        let count = try Int.fetchOne(db, sql: "SELECT max(rowid) FROM \"\(table)\"") ?? 0
        let parts = min(16, count / rowsOfPart + 1)
        var borders: [ID] = []
        let row = try PreparedStatement.cached("SELECT id FROM \"\(table)\" ORDER BY id LIMIT 1 OFFSET ?", in: db)
        for part in 1..<max(1, parts) {
            defer { row.reset() }
            row.bind(Int64(part * count / parts), at: 1)
            if try row.step(), let id = row.id(0), borders.last.map({ $0 < id }) ?? true { borders.append(id) }
        }
        return zip([nil] + borders, borders + [nil]).map { IDRange(from: $0, to: $1) }
    }
}
