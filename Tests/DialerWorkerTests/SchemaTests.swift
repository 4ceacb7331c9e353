import DialerWorker
import EventLog
import GRDB
import TestSupport
import Testing

/// schemas/event-log.sql and schemas/dialer-worker.sql say what is in a fresh journal.
@Suite struct SchemaTests {
    @Test func theFilesSayWhatTablesAFreshJournalHas() throws {
        let directory = TemporaryDirectory()
        let file = try EventLogFile.open(path: directory.file("log.db"), schema: Journal.schema)
        let made = try LogReader(path: file.path).read { db in
            try String.fetchAll(db, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
        }
        try file.close()
        let common = try SchemaFiles.statements(in: "event-log.sql")
        let strange = common.filter { !made.map(SchemaFiles.normalized).contains($0) }
        #expect(strange.isEmpty, "schemas/event-log.sql has, and a fresh log has not: \(strange)")
        let own = made.filter { !common.contains(SchemaFiles.normalized($0)) }
        let differences = try SchemaFiles.differences(in: "dialer-worker.sql", from: own)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}
