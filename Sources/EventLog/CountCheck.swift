package import GRDB

/// Counts that triggers keep, against the rows that they count.
package struct CountCheck: VerifiedProjection {
    package let name: String
    private let sql: String
    private let finding: @Sendable (_ what: String, _ counted: Int64, _ kept: Int64) -> String

    /// - Parameters:
    ///   - name: the table of the counts.
    ///   - sql: selects what differs: what is counted, how many rows say so, and what the count says.
    ///   - finding: those three in a sentence.
    package init(_ name: String, sql: String, finding: @escaping @Sendable (String, Int64, Int64) -> String) {
        self.name = name
        self.sql = sql
        self.finding = finding
    }

    package func check(_ db: Database, report: (Violation) -> Void) throws {
        let rows = try Row.fetchCursor(db, sql: sql)
        while let row = try rows.next() { report(Violation(0, "projection", finding(row[0], row[1], row[2]))) }
    }
}
