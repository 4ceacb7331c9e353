import GRDB

/// The check of what the chain does not cover: the form of the file, its indexes, and the text of its tables.
enum FileCheck {
    /// Reports as `index` what one event's index entries lack, naming its position, and the rest as `file`.
    @Sendable static func run(_ db: Database, report: (Violation) -> Void) throws {
        try checkSchema(db, report)
        // integrity_check and not quick_check, which does not compare indexes with their tables: a wrong entry there
        // hides an event from the look-ups by stream, by id and by correlation.
        let rows = try String.fetchCursor(db, sql: "PRAGMA integrity_check(\(LogReport.limit))")
        var hasWrongTypes = false
        while let line = try rows.next() {
            if line == "ok" { continue }
            // "non-TEXT value in event.actor" or "NULL value in event.actor"
            if line.contains(" value in event.") { hasWrongTypes = true } else { report(violation(line)) }
        }
        if hasWrongTypes { try reportWrongTypes(db, report) }
    }

    /// The chain covers bytes: that a text is still a text, and a number still a number, only the form can tell.
    private static func reportWrongTypes(_ db: Database, _ report: (Violation) -> Void) throws {
        let texts = ["stream", "type", "actor"].map { "typeof(\($0)) <> 'text'" }
        let integers = ["version", "schema", "recorded_at"].map { "typeof(\($0)) <> 'integer'" }
        let blobs = ["event_id", "correlation_id", "data_hash", "chain"].map { "typeof(\($0)) <> 'blob'" }
        let optional = ["causation_id", "data", "salt"].map { "typeof(\($0)) NOT IN ('blob', 'null')" }
        let condition = (texts + integers + blobs + optional).joined(separator: " OR ")
        let positions = try Int64.fetchCursor(db, sql: "SELECT position FROM event WHERE \(condition)")
        while let position = try positions.next() {
            report(Violation(position, "chain", "a column holds a value of another type"))
        }
    }

    private static func checkSchema(_ db: Database, _ report: (Violation) -> Void) throws {
        let stored = Set(try String.fetchAll(db, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"))
        for statement in EventLogSchema.statements where !stored.contains(statement) {
            let name = statement.prefix { $0 != "(" }
            report(Violation(0, "file", "the definition \"\(name)\" is not the one that this format has"))
        }
    }

    /// "row 14 missing from index event_correlation": the row's number is the position.
    private static func violation(_ line: String) -> Violation {
        let words = line.split(separator: " ")
        if words.count == 6, words[0] == "row", words[2] == "missing", let position = Int64(words[1]),
            words[5] == "event_correlation" || words[5].hasPrefix("sqlite_autoindex_event_")
        {
            return Violation(position, "index", "the event is missing in the index \(words[5])")
        }
        return Violation(0, "file", line)
    }
}
