package import Contracts
package import EventLog
package import GRDB

/// One page of a list, newest first, as a manager answers it.
///
/// Rows that share one microsecond are never split over a page border, so the creation time alone is a safe token.
package struct Page<A: Aggregate>: Sendable {
    package var rows: [A]
    /// The creation time of the last row; nil when no row is left.
    package var next: Timestamp?

    /// Reads the page of `table` that `request` asks for, among the rows where `filter` holds.
    ///
    /// The table has to have the columns `created_at` and `is_deleted`.
    package init(
        of table: AggregateTable<A>,
        where filter: String,
        _ arguments: StatementArguments,
        _ request: PageRequest,
        in db: Database
    ) throws {
        let visible = request.includesDeleted ? filter : "\(filter) AND is_deleted = 0"
        let before = request.token?.microseconds ?? Int64.max
        var loaded = try table.fetch(
            "WHERE \(visible) AND created_at < ? ORDER BY created_at DESC, rowid DESC LIMIT ?",
            arguments + [before, request.size + 1],
            in: db
        )
        let hasMore = loaded.count > request.size
        if hasMore { loaded.removeLast() }
        rows = loaded.map(\.state)
        guard hasMore, let last = loaded.last, let stamp = try Page.stamp(of: last.id, in: table, db) else { return }
        let ties = try table.fetch(
            "WHERE \(visible) AND created_at = ? ORDER BY rowid DESC",
            arguments + [stamp],
            in: db
        )
        let known = Set(loaded.map(\.id))
        rows += ties.filter { !known.contains($0.id) }.map(\.state)
        let isLast = try table.fetch("WHERE \(visible) AND created_at < ? LIMIT 1", arguments + [stamp], in: db).isEmpty
        next = isLast ? nil : Timestamp(microseconds: stamp)
    }

    private static func stamp(of id: ID, in table: AggregateTable<A>, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(
            try db.cachedStatement(sql: "SELECT created_at FROM \(A.category) WHERE id = ?"),
            arguments: [id]
        )
    }

    /// The answer: `{"result": […], "next_page_token": µs or null}`.
    package func json(_ resource: (A) throws -> JSONValue) rethrows -> JSONValue {
        ["result": .array(try rows.map(resource)), "next_page_token": .optional(next)]
    }
}
