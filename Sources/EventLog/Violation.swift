package import GRDB

/// Something in a log that is not as it has to be.
package struct Violation: Sendable, Hashable, CustomStringConvertible {
    /// The event that shows it; 0 when there is none.
    package var position: Int64
    /// `chain`, `position`, `version`, `projection` or `invariant`.
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
}
