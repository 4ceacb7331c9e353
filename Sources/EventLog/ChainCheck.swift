import Contracts
import GRDB

/// The check of positions and chain, cut into ranges of positions.
///
/// Each range trusts the stored chain before its first event; the range before checks that one.
final class ChainCheck: Sendable {
    private let logID: ID
    private let result = Monitor((events: Int64(0), isIntact: true))

    init(logID: ID) { self.logID = logID }

    /// How many events there are, once all pieces have run.
    var events: Int64 { result.withLock { $0.events } }
    var isIntact: Bool { result.withLock { $0.isIntact } }

    func pieces(_ db: Database, path: String) throws -> [VerificationPiece] {
        if let slice = try Slice(db) {
            return [
                VerificationPiece { db, report in
                    var scan = try ChainScan(db, logID: self.logID, after: 0)
                    scan.slice = slice
                    try scan.run(db, upTo: slice.last, report: report)
                    self.note(scan)
                }
            ]
        }
        let head = try Int64.fetchOne(db, sql: "SELECT max(position) FROM event") ?? 0
        let size = max(50_000, head / 8 + 1)
        var pieces = stride(from: 0, to: max(1, head), by: Int64.Stride(size)).map { first -> VerificationPiece in
            // What comes after the head of this moment is not awaited; what comes before it has to be there.
            let last = min(first + size, head)
            return VerificationPiece { db, report in try self.scan(db, after: first, upTo: last, report) }
        }
        pieces.append(
            VerificationPiece { db, report in
                try VerifiedMark(db, path: path).check(db) { violation in
                    self.result.withLock { $0.isIntact = false }
                    report(violation)
                }
            }
        )
        return pieces
    }

    private func scan(_ db: Database, after first: Int64, upTo last: Int64, _ report: (Violation) -> Void) throws {
        var scan = try ChainScan(db, logID: logID, after: first)
        try scan.run(db, upTo: last, report: report)
        note(scan)
    }

    private func note(_ scan: ChainScan) {
        result.withLock { result in
            result.events += scan.events
            result.isIntact = result.isIntact && scan.isIntact
        }
    }
}
