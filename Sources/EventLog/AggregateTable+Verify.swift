import Contracts
package import GRDB

extension AggregateTable: VerifiedProjection {
    package var name: String { A.category }

    /// Folds every stream of the category and compares with the rows, both ways.
    ///
    /// Streams and rows come in the same order, that of the ids, so only one of each is in memory. A stream with erased
    /// data cannot be folded: of it only the version is compared.
    package func check(_ db: Database, report: (Violation) -> Void) throws {
        let names = columns.map { ", \"\($0.name)\"" }.joined()
        let row = try PreparedStatement.cached(
            "SELECT id, version, state\(names) FROM \"\(A.category)\" ORDER BY id",
            in: db
        )
        defer { row.reset() }
        var hasRow = try row.step()
        func surplus() throws {
            let id = row.id(0).map { "\($0)" } ?? "(not an id)"
            report(Violation(0, "projection", "the row of \(A.category) \(id) has no events"))
            hasRow = try row.step()
        }
        try forEachFold(db, report) { fold in
            while hasRow, row.id(0).map({ $0 < fold.id }) ?? true { try surplus() }
            if hasRow, row.id(0) == fold.id {
                for problem in problems(row, fold) {
                    report(Violation(fold.position, "projection", "\(A.category) \(fold.id): \(problem)"))
                }
                hasRow = try row.step()
            } else {
                report(Violation(fold.position, "projection", "the row of \(A.category) \(fold.id) is missing"))
            }
        }
        while hasRow { try surplus() }
    }

    private func problems(_ row: PreparedStatement, _ fold: Fold<A>) -> [String] {
        var problems: [String] = []
        if row.integer(1) != fold.version {
            problems.append("the row is at version \(row.integer(1)), its events at \(fold.version)")
        }
        guard fold.isComplete, let state = fold.state else { return problems }
        if !row.bytes(2).elementsEqual(state.json.bytes) {
            problems.append("state differs from the replay of its events")
        }
        var index: Int32 = 3
        for column in columns {
            if row.value(index) != column.value(state) {
                problems.append("column \(column.name) differs from the replay of its events")
            }
            index += 1
        }
        return problems
    }

    private func forEachFold(
        _ db: Database,
        _ report: (Violation) -> Void,
        _ body: (Fold<A>) throws -> Void
    ) throws {
        // '.' is the character after '-'. The length keeps out categories whose names begin with this one's.
        let row = try PreparedStatement.cached(
            """
            SELECT \(RecordedEvent.columns) FROM event
            WHERE stream >= ? AND stream < ? AND length(stream) = ? ORDER BY stream, version
            """,
            in: db
        )
        defer { row.reset() }
        row.bind("\(A.category)-", at: 1)
        row.bind("\(A.category).", at: 2)
        row.bind(Int64(A.category.utf8.count + 37), at: 3)
        var fold: Fold<A>?
        while try row.step() {
            let event = try RecordedEvent(row)
            if fold?.stream != event.stream {
                if let fold { try body(fold) }
                fold = Fold(event.stream)
            }
            if let problem = fold?.apply(event) { report(Violation(event.position, "projection", problem)) }
        }
        if let fold { try body(fold) }
    }
}

/// The replay of one stream.
private struct Fold<A: Aggregate> {
    let stream: String
    let id: ID
    var state: A?
    var version: Int64 = 0
    var position: Int64 = 0
    /// False once an event could not be read, because it was erased or is not understood.
    var isComplete = true

    /// Nil when the name does not end in an id: then it is no stream of an aggregate.
    init?(_ stream: String) {
        guard let id = ID(stream.suffix(36)) else { return nil }
        self.stream = stream
        self.id = id
    }

    /// Answers what is wrong with the event.
    mutating func apply(_ event: RecordedEvent) -> String? {
        version = event.version
        position = event.position
        guard let data = event.data else {
            isComplete = false
            return nil
        }
        guard isComplete else { return nil }
        do {
            let json = try JSONValue(parsing: data)
            let parsed = try A.Event(type: event.type, schema: event.schema, json: json)
            A.evolve(&state, parsed, at: event.recordedAt)
            return nil
        } catch {
            isComplete = false
            return "\(stream): event \(event.type) cannot be read: \(error)"
        }
    }
}
