import EventLog
import GRDB
import TestSupport
import Testing

/// schemas/campaign-manager.sql says what is in a fresh log.
@Suite struct SchemaTests {
    @Test func theFileSaysWhatTablesAFreshLogHas() throws {
        let harness = try CampaignHarness()
        let common = try SchemaFiles.statements(in: "event-log.sql")
        let made = try harness.reader.read { db in
            try String.fetchAll(db, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
        }.filter { !common.contains(SchemaFiles.normalized($0)) }
        #expect(made.count > 10)
        let differences = try SchemaFiles.differences(in: "campaign-manager.sql", from: made)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}
