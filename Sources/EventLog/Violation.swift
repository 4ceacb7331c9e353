package import GRDB

/// Something in a log that is not as it has to be.
package struct Violation: Sendable, Hashable, CustomStringConvertible {
    /// The event that shows it; 0 when there is none.
    package var position: Int64
    /// `chain`, `position`, `version`, `projection`, `index`, `file` or `invariant`.
    package var kind: String
    package var message: String

    package init(_ position: Int64, _ kind: String, _ message: String) {
        self.position = position
        self.kind = kind
        self.message = message
    }

    package var description: String { "position \(position): \(kind): \(message)" }
}

/// Tables that can be recomputed from the events and compared.
package protocol VerifiedProjection: Sendable {
    var name: String { get }

    /// Compares within one read transaction and reports each difference.
    func check(_ db: Database, report: (Violation) -> Void) throws

    /// The same check cut into pieces that may run side by side; `db` tells how large the tables are.
    func pieces(_ db: Database) throws -> [VerificationPiece]
}

extension VerifiedProjection {
    package func pieces(_ db: Database) throws -> [VerificationPiece] { [VerificationPiece(check: check)] }
}

/// A part of a verification: reads within one read transaction of its own and reports what is wrong.
package struct VerificationPiece: Sendable {
    let check: @Sendable (Database, (Violation) -> Void) throws -> Void

    package init(check: @escaping @Sendable (Database, (Violation) -> Void) throws -> Void) { self.check = check }
}
