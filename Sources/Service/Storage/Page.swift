package import Contracts
package import EventLog
package import GRDB

/// One page of a list, newest first, as a manager answers it.
///
/// Rows that share one microsecond are never split over a page border, so the creation time alone is a safe token: rows
/// that come meanwhile are newer than every token. A page of a filtered list looks at so many rows at most; when there
/// are further ones it may be short, even empty, and its token goes on behind the last row that it looked at.
package struct Page<A: Aggregate>: Sendable {
    package var rows: [A]
    /// The creation time of the last row that was looked at; nil when no row is left.
    package var next: Timestamp?

    /// The rows that a page of a filtered list looks at: about a tenth of a second.
    package static var scanLimit: Int { 100_000 }

    /// Reads the page of `table` that `request` asks for, among the rows where `list` and `filter` hold.
    ///
    /// The table has to have the columns `created_at` and `is_deleted`, and for a long list an index on the columns of
    /// `list`, which `created_at` follows.
    package init(
        of table: AggregateTable<A>,
        where list: String,
        _ arguments: StatementArguments,
        filter: ListFilter = ListFilter(),
        scanLimit: Int = scanLimit,
        _ request: PageRequest,
        in db: Database
    ) throws {
        let range = try PageRange(of: A.category, list, arguments, filter, scanLimit, request, db)
        let visible = ([list] + filter.conditions + (request.includesDeleted ? [] : ["is_deleted = 0"]))
            .joined(separator: " AND ")
        let all = arguments + filter.arguments
        var loaded = try table.fetch(
            "WHERE \(visible) AND created_at < ? AND created_at >= ? ORDER BY created_at DESC, rowid DESC LIMIT ?",
            all + [range.before, range.from, request.size + 1],
            in: db
        )
        let hasMore = loaded.count > request.size
        if hasMore { loaded.removeLast() }
        rows = loaded.map(\.state)
        next = range.goesOn ? Timestamp(microseconds: range.from) : nil
        guard hasMore, let last = loaded.last, let stamp = try Page.stamp(of: last.id, in: table, db) else { return }
        let ties = try table.fetch("WHERE \(visible) AND created_at = ? ORDER BY rowid DESC", all + [stamp], in: db)
        let known = Set(loaded.map(\.id))
        rows += ties.filter { !known.contains($0.id) }.map(\.state)
        let older = "WHERE \(visible) AND created_at < ? AND created_at >= ? LIMIT 1"
        let isLast = try !range.goesOn && table.fetch(older, all + [stamp, range.from], in: db).isEmpty
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

/// The creation times that one page looks at.
private struct PageRange {
    /// Exclusive.
    var before: Int64
    /// Inclusive.
    var from: Int64
    /// Whether the list goes on behind `from`.
    var goesOn: Bool

    init(
        of table: String,
        _ list: String,
        _ arguments: StatementArguments,
        _ filter: ListFilter,
        _ scanLimit: Int,
        _ request: PageRequest,
        _ db: Database
    ) throws {
        before = min(request.token?.microseconds ?? .max, filter.before?.microseconds ?? .max)
        from = filter.from?.microseconds ?? .min
        goesOn = false
        guard !filter.conditions.isEmpty else { return }
        let statement = try db.cachedStatement(
            sql: """
                SELECT created_at FROM "\(table)" WHERE \(list) AND created_at < ? AND created_at >= ?
                ORDER BY created_at DESC LIMIT 1 OFFSET ?
                """
        )
        // The row behind the last one to look at: none, and the list ends within the limit.
        guard let last = try Int64.fetchOne(statement, arguments: arguments + [before, from, scanLimit]) else { return }
        from = last
        goesOn = true
    }
}
