import EventLog
import GRDB
import TestSupport
import Testing

/// schemas/outdial-manager.sql says what is in a fresh log.
@Suite struct SchemaTests {
    @Test func theFileSaysWhatTablesAFreshLogHas() throws {
        let harness = try OutdialHarness()
        let common = try SchemaFiles.statements(in: "event-log.sql")
        let made = try LogReader(path: harness.file.path).read { db in
            try String.fetchAll(db, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
        }.filter { !common.contains(SchemaFiles.normalized($0)) }
        #expect(made.count > 5)
        let differences = try SchemaFiles.differences(in: "outdial-manager.sql", from: made)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}
