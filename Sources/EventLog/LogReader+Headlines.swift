package import Contracts
package import GRDB

/// The least that one can know of an event: where it is and of which type.
package struct Headline: Hashable, Sendable {
    package let position: Int64
    package let type: String

    package init(position: Int64, type: String) {
        self.position = position
        self.type = type
    }
}

extension LogReader {
    /// Position and type of at most `limit` events after `position`, in order. It costs a tenth of reading them whole.
    package func headlines(after position: Int64, limit: Int) throws -> [Headline] {
        try read { db in
            let row = try PreparedStatement.cached(
                "SELECT position, type FROM event WHERE position > ? ORDER BY position LIMIT ?",
                in: db
            )
            defer { row.reset() }
            row.bind(position, at: 1)
            row.bind(Int64(limit), at: 2)
            var types = TypeNames()
            var headlines: [Headline] = []
            while try row.step() {
                headlines.append(Headline(position: row.integer(0), type: types.name(row.bytes(1))))
            }
            return headlines
        }
    }

    /// How far the reader `name` has come; nil when it never said.
    package func knownCursor(_ name: String) throws -> Int64? {
        try read { try Int64.fetchOne($0, sql: "SELECT position FROM cursor WHERE name = ?", arguments: [name]) }
    }
}

extension RecordedEvent {
    /// The events of `stream` after `version` and before `end`, in order, at most `limit` of them.
    package static func fetch(
        of stream: String,
        after version: Int64,
        before end: Int64,
        limit: Int,
        in db: Database
    ) throws -> [RecordedEvent] {
        try fetch(
            "WHERE stream = ? AND version > ? AND version < ? ORDER BY version LIMIT ?",
            [stream, version, end, limit],
            in: db
        )
    }

    /// The event at `position`, or nil beyond the end.
    package static func fetch(at position: Int64, in db: Database) throws -> RecordedEvent? {
        try fetch("WHERE position = ?", [position], in: db).first
    }

    /// The id that the name of its stream ends in; nil for a stream that belongs to no aggregate.
    package var aggregate: ID? {
        let name = stream.utf8
        guard name.count > 37 else { return nil }
        return ID(String(decoding: name.suffix(36), as: UTF8.self))
    }
}
