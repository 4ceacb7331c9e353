import Contracts
package import GRDB

/// A projection that is wholly recomputed from the events.
package protocol RebuiltProjection: VerifiedProjection {
    /// The table that it writes.
    var table: String { get }

    /// The work in pieces that can go on side by side, in the order of the rows.
    func rebuildPieces(_ source: Database) throws -> [RebuildPiece]

    /// Reports the events that cannot be read; for a table that is not compared.
    func readStreams(_ db: Database, report: (Violation) -> Void) throws

    /// Fills the table, which is empty, from the events. `former` is what it was before, if it was: a stream that cannot
    /// be folded keeps the state that it has there.
    func refold(_ db: Database, formerly former: String?) throws
}

/// A part of a table that is made anew.
package struct RebuildPiece: Sendable {
    /// Writes its rows into `target`, where the table is empty, and reports how those of `source` differ.
    package let rebuild: @Sendable (_ source: Database, _ target: Database, (Violation) -> Void) throws -> Void
}

extension AggregateTable: RebuiltProjection {
    package var table: String { A.category }

    package func rebuildPieces(_ source: Database) throws -> [RebuildPiece] {
        try IDRange.parts(of: A.category, in: source).map { range in
            RebuildPiece { source, target, report in
                // Without the triggers and indexes that the whole table has.
                try target.execute(sql: schema[0])
                try rebuild(range, of: source, into: target, report: report)
            }
        }
    }

    package func readStreams(_ db: Database, report: (Violation) -> Void) throws {
        try forEachFold(db, IDRange(), report) { _, _ in }
    }

    package func refold(_ db: Database, formerly former: String?) throws {
        var problem: Violation?
        let note = { (found: Violation) in problem = problem ?? found }
        try forEachFold(db, IDRange(), note) { fold, id in
            if let state = fold.state, fold.isComplete {
                try write(Loaded(id: id, state: state, version: fold.version), isNew: true, in: db)
            } else if let former, let kept = try load(id, fromTable: former, in: db) {
                try write(kept, isNew: true, in: db)
            }
        }
        // What this version cannot read, a newer one has written: it must not decide on what is left without it.
        if let problem { throw EventLogError(.schemaTooNew, "\(problem.message); use the newer version") }
    }

    private func rebuild(
        _ range: IDRange,
        of source: Database,
        into target: Database,
        report: (Violation) -> Void
    ) throws {
        let names = ["id", "version", "state"] + columns.map { "\"\($0.name)\"" }
        let values = names.map { _ in "?" }.joined(separator: ", ")
        let sql = "INSERT INTO \"\(A.category)\"(\(names.joined(separator: ", "))) VALUES (\(values))"
        let insert = PreparedStatement(try target.makeStatement(sql: sql))
        let last = Int32(columns.count) + 2
        try compare(source, range, report: report) { row in
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
