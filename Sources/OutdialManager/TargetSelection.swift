package import Contracts
package import EventLog
package import GRDB
package import OutdialDomain

/// Finds the targets to dial next: priority first, then never tried before retries, then longest waiting.
///
/// Each step is one search of the partial index `target_selection`, so the cost does not grow with the list, and a
/// target that waits for its retry never stands before a fresh one.
package enum TargetSelection {
    /// The tail of the query of one step: one search, already in order.
    package static let step = """
        INDEXED BY target_selection WHERE outdial_id = ? AND selectable = 1 AND priority = ? AND tried = ? AND due_at <= ?
        ORDER BY due_at LIMIT ?
        """

    private static let ranks = (0...9).flatMap { [($0, 0), ($0, 1)] }

    /// Up to `limit` targets that are due at `now`, in order.
    package static func due(
        in outdial: ID,
        now: Timestamp,
        limit: Int,
        _ db: Database
    ) throws -> [AggregateTable<Target>.Loaded] {
        var found: [AggregateTable<Target>.Loaded] = []
        for (priority, tried) in ranks where found.count < limit {
            found += try OutdialTables.targets.fetch(
                step,
                [outdial, priority, tried, now, limit - found.count],
                in: db
            )
        }
        return found
    }

    /// When the next target becomes due; nil when none waits for a time. In the past when one is due already.
    package static func nextDue(in outdial: ID, _ db: Database) throws -> Timestamp? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT due_at FROM target INDEXED BY target_selection
                WHERE outdial_id = ? AND selectable = 1 AND priority = ? AND tried = ? ORDER BY due_at LIMIT 1
                """
        )
        var earliest: Timestamp?
        for (priority, tried) in ranks {
            let due = try Timestamp.fetchOne(statement, arguments: [outdial, priority, tried])
            if let due, due != .endOfTime { earliest = min(earliest ?? due, due) }
        }
        return earliest
    }
}
