package import Contracts
import GRDB

/// What verifying one log found.
package struct LogReport: Sendable, Hashable {
    /// Violations beyond this many are counted and not kept.
    package static let limit = 1000

    package var file: String
    package var events: Int64 = 0
    /// Nil when it was not asked.
    package var chainIsIntact: Bool? = true
    /// What the log says of itself when it is only a part of another one.
    package var slice: JSONValue?
    package var violations: [Violation] = []
    /// Tables in the form of an earlier version: their events were read, their rows were not compared.
    package var outdatedTables: [String] = []
    /// How many violations were found beyond ``limit``.
    package var omitted = 0

    package init(file: String) { self.file = file }

    mutating func add(_ violation: Violation) {
        if violations.count < LogReport.limit { violations.append(violation) } else { omitted += 1 }
    }
}

/// Recomputes everything that a log claims: positions, versions, chain, indexes, and that its projections equal a replay.
///
/// The rows of inbox, timers and cursors follow from no event: of them only the form is checked.
package enum LogVerifier {
    /// Checks the log at `path`, which may be live. Memory stays bounded for any size.
    ///
    /// The work is cut into pieces that run on a few threads, each in one read transaction of its own; no piece depends
    /// on what another has seen.
    ///
    /// - Parameter schema: the statements that create the projections' tables in this version. Rows of an earlier form are
    ///   not compared: the daemon makes them anew when it opens the log. Without it all of them have to be of this version.
    package static func verify(
        path: String,
        projections: [any VerifiedProjection],
        schema: [String] = []
    ) throws -> LogReport {
        let reader = try LogReader(path: path, isForWalks: true)
        let chain = ChainCheck(logID: reader.logID)
        var pieces = [VerificationPiece(check: FileCheck.run)]
        let outdated = try reader.read { db in
            let outdated = try ProjectionUpgrade(schema: schema, projections: projections).outdated(db)
            for projection in projections { pieces += try self.pieces(of: projection, outdated, db) }
            pieces += try chain.pieces(db, path: path)
            return outdated
        }
        pieces.append(VerificationPiece(check: checkVersions))
        pieces.append(VerificationPiece(check: checkReferences))
        let found = Findings(count: pieces.count)
        SideBySide.run(pieces.count) { [pieces] index in
            found.collect(index) { report in try reader.read { db in try pieces[index].check(db, report) } }
        }
        var report = try report(path, chain, try reader.slice(), found)
        report.outdatedTables = outdated.sorted()
        return report
    }

    private static func pieces(
        of projection: any VerifiedProjection,
        _ outdated: Set<String>,
        _ db: Database
    ) throws -> [VerificationPiece] {
        if outdated.isEmpty { return try projection.pieces(db) }
        // Counts are of rows, which may be outdated.
        guard let projection = projection as? any RebuiltProjection else { return [] }
        guard outdated.contains(projection.table) else { return try projection.pieces(db) }
        return [VerificationPiece(check: projection.readStreams)]
    }

    private static func report(
        _ path: String,
        _ chain: ChainCheck,
        _ slice: Slice?,
        _ found: Findings
    ) throws -> LogReport {
        var report = LogReport(file: path)
        report.events = chain.events
        report.chainIsIntact = chain.isIntact
        report.slice = slice?.note
        for violation in try found.all() { report.add(violation) }
        return report
    }

    /// Every stream counts 1, 2, 3: read from the index of (stream, version), in its order. One that a slice has in part
    /// counts upwards at least.
    @Sendable private static func checkVersions(_ db: Database, report: (Violation) -> Void) throws {
        let row = try PreparedStatement.cached(
            "SELECT stream, version, position FROM event ORDER BY stream, version",
            in: db
        )
        defer { row.reset() }
        let partial = try Slice.partialStreams(db)
        var stream: [UInt8] = []
        var isWhole = true
        var last = (version: Int64(0), position: Int64(0))
        while try row.step() {
            if !isSame(row.bytes(0), stream) {
                stream = row.array(0)
                isWhole = partial.isEmpty || !partial.contains(stream)
                last = (0, 0)
            }
            let found = (version: row.integer(1), position: row.integer(2))
            if isWhole ? found.version != last.version + 1 : found.version <= last.version {
                let name = String(decoding: stream, as: UTF8.self)
                let message = "\(name) goes from version \(last.version) to \(found.version)"
                report(Violation(found.position, "version", message))
            } else if found.position <= last.position {
                let name = String(decoding: stream, as: UTF8.self)
                report(
                    Violation(found.position, "version", "\(name) \(found.version) comes before its predecessor")
                )
            }
            last = found
        }
    }

    /// No reader and no applied message can be ahead of the log.
    @Sendable private static func checkReferences(_ db: Database, report: (Violation) -> Void) throws {
        let row = try PreparedStatement.cached(
            """
            SELECT 'cursor ' || name, position FROM cursor WHERE position > (SELECT coalesce(max(position), 0) FROM event)
            UNION ALL
            SELECT 'inbox of ' || consumer, position FROM inbox
            WHERE position > (SELECT coalesce(max(position), 0) FROM event) + 1
            """,
            in: db
        )
        defer { row.reset() }
        while try row.step() {
            report(Violation(row.integer(1), "invariant", "\(row.text(0)) is ahead of the log"))
        }
    }
}
