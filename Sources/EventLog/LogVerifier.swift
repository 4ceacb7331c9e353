import Contracts
import GRDB

/// What verifying one log found.
package struct LogReport: Sendable, Hashable {
    /// Violations beyond this many are counted and not kept.
    package static let limit = 1000

    package var file: String
    package var events: Int64 = 0
    package var chainIsIntact = true
    package var violations: [Violation] = []
    /// How many violations were found beyond ``limit``.
    package var omitted = 0

    package init(file: String) { self.file = file }

    mutating func add(_ violation: Violation) {
        if violations.count < LogReport.limit { violations.append(violation) } else { omitted += 1 }
    }
}

/// Recomputes everything that a log claims: positions, versions, chain, and that its projections equal a replay.
package struct LogVerifier {
    /// Checks the log at `path`, which may be live, in one read transaction. Memory stays bounded for any size.
    package static func verify(path: String, projections: [any VerifiedProjection]) throws -> LogReport {
        let reader = try LogReader(path: path)
        return try reader.read { db in
            var report = LogReport(file: path)
            try checkChain(db, path: path, &report)
            try checkVersions(db, &report)
            for projection in projections { try projection.check(db) { report.add($0) } }
            try checkReferences(db, &report)
            return report
        }
    }

    private static func checkChain(_ db: Database, path: String, _ report: inout LogReport) throws {
        let mark = try VerifiedMark(db, path: path)
        var scan = ChainScan(logID: mark.logID)
        try scan.run(db) { report.add($0) }
        report.events = scan.events
        report.chainIsIntact = scan.isIntact
        try mark.check(db) {
            report.chainIsIntact = false
            report.add($0)
        }
    }

    /// Every stream counts 1, 2, 3: read from the index of (stream, version), in its order.
    private static func checkVersions(_ db: Database, _ report: inout LogReport) throws {
        let row = try PreparedStatement.cached(
            "SELECT stream, version, position FROM event ORDER BY stream, version",
            in: db
        )
        defer { row.reset() }
        var stream: [UInt8] = []
        var last = (version: Int64(0), position: Int64(0))
        while try row.step() {
            if !row.bytes(0).elementsEqual(stream) {
                stream = row.array(0)
                last = (0, 0)
            }
            let found = (version: row.integer(1), position: row.integer(2))
            if found.version != last.version + 1 {
                let name = String(decoding: stream, as: UTF8.self)
                let message = "\(name) goes from version \(last.version) to \(found.version)"
                report.add(Violation(found.position, "version", message))
            } else if found.position <= last.position {
                let name = String(decoding: stream, as: UTF8.self)
                report.add(
                    Violation(found.position, "version", "\(name) \(found.version) comes before its predecessor")
                )
            }
            last = found
        }
    }

    /// No reader and no applied message can be ahead of the log.
    private static func checkReferences(_ db: Database, _ report: inout LogReport) throws {
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
            report.add(Violation(row.integer(1), "invariant", "\(row.text(0)) is ahead of the log"))
        }
    }
}
