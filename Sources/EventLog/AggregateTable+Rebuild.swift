import Contracts
package import GRDB

/// A projection that is wholly recomputed from the events.
package protocol RebuiltProjection: VerifiedProjection {
    /// The table that it writes.
    var table: String { get }

    /// Writes every row of the table into `target`, where it is empty, and reports how those of `source` differ.
    func rebuild(_ source: Database, into target: Database, report: (Violation) -> Void) throws
}

extension AggregateTable: RebuiltProjection {
    package var table: String { A.category }

    package func rebuild(_ source: Database, into target: Database, report: (Violation) -> Void) throws {
        let names = ["id", "version", "state"] + columns.map { "\"\($0.name)\"" }
        let values = names.map { _ in "?" }.joined(separator: ", ")
        let sql = "INSERT INTO \"\(A.category)\"(\(names.joined(separator: ", "))) VALUES (\(values))"
        let insert = PreparedStatement(try target.makeStatement(sql: sql))
        let last = Int32(columns.count) + 2
        try compare(source, IDRange(), report: report) { row in
            switch row {
            case .state(let loaded, let json):
                insert.bind(loaded.id, at: 1)
                insert.bind(loaded.version, at: 2)
                insert.bind(text: json, at: 3)
                var index: Int32 = 4
                for column in columns {
                    insert.bind(column.value(loaded.state), at: index)
                    index += 1
                }
            case .unfolded(_, let old):
                for index in 0...last { insert.bind(old.value(index), at: index + 1) }
            }
            try insert.run()
        }
    }
}
