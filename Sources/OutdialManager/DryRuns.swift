import Contracts
import EventLog
import GRDB
import OutdialDomain

/// Imports that are only tried: the same report as of the import itself, and nothing stored.
///
/// The numbers that a file has had so far are kept in a temporary database, which SQLite writes to a nameless file when
/// it grows, so memory does not grow with the file.
actor DryRuns {
    private struct Run {
        let seen: DatabaseQueue
        let customer: ID
        var lastUse: ContinuousClock.Instant
        /// The slice before and its report: the same message again must not find its own rows.
        var last: (slice: ID, report: JSONValue)?
    }

    /// More of one customer at a time end the one of theirs that was silent for longest.
    static let limit = 16
    /// A run that is silent for so long has ended.
    private static let longestSilence = Duration.seconds(60)

    private let reads: OutdialReads
    private var runs: [ID: Run] = [:]

    init(reads: OutdialReads) { self.reads = reads }

    /// One slice, as `target.import` takes it, with `dry_run: {"id", "is_first"}`.
    func check(_ request: Request) throws -> Reply {
        try Reply {
            let id = try request.params["dry_run"].requireID("id")
            let slice = try request.params.requireID("request_id")
            let run = try run(
                id,
                of: request.customerID,
                isFirst: try request.params["dry_run"].requireBool("is_first")
            )
            if let last = run.last, last.slice == slice { return last.report }
            let report = try reads.log.read { db in try check(request, run.seen, db) }
            runs[id]?.last = (slice, report)
            return report
        }
    }

    private func run(_ id: ID, of customer: ID, isFirst: Bool) throws -> Run {
        let now = ContinuousClock.now
        runs = runs.filter { now - $0.value.lastUse < DryRuns.longestSilence }
        if runs[id] == nil, isFirst {
            let own = runs.filter { $0.value.customer == customer }
            if own.count >= DryRuns.limit, let oldest = own.min(by: { $0.value.lastUse < $1.value.lastUse }) {
                runs[oldest.key] = nil
            }
            let seen = try DatabaseQueue(path: "")
            try seen.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1024")
                try db.execute(sql: "CREATE TABLE seen(destination TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
            }
            runs[id] = Run(seen: seen, customer: customer, lastUse: now)
        }
        guard var run = runs[id], run.customer == customer else {
            throw Refusal.unavailable("the dry run was interrupted; send the file again")
        }
        run.lastUse = now
        runs[id] = run
        return run
    }

    private func check(_ request: Request, _ seen: DatabaseQueue, _ db: Database) throws -> JSONValue {
        let outdial = try reads.outdial(try request.params.requireID("outdial_id"), request, false, db)
        let keepsDuplicates = request.params["duplicates"].string == "keep"
        return try seen.write { seen in
            try ImportReport(
                of: try request.params.requireArray("rows"),
                known: { try OutdialTables.targets.load($0, in: db)?.state },
                isDuplicate: { try !keepsDuplicates && isKnown($0, in: outdial.id, db, seen) },
                take: { _, _ in }
            ).json
        }
    }

    private func isKnown(_ draft: TargetDraft, in outdial: ID, _ db: Database, _ seen: Database) throws -> Bool {
        guard let first = draft.destinations[0]?.target else { return false }
        if try OutdialTables.hasTarget(withFirst: first, in: outdial, db) { return true }
        try seen.execute(sql: "INSERT OR IGNORE INTO seen VALUES (?)", arguments: [first])
        return seen.changesCount == 0
    }
}
