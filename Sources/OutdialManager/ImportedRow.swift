import Contracts
import OutdialDomain

/// One row of a slice of an import: what it would make, or why it is refused, as the report tells it.
struct ImportedRow {
    let id: ID
    private let line: JSONValue
    let draft: Result<TargetDraft, TargetDraft.RowError>

    init(_ row: JSONValue) throws(JSONError) {
        id = try row.requireID("id")
        line = row["line"]
        do throws(TargetDraft.RowError) {
            draft = .success(try TargetDraft(row: row["values"].object ?? [:]))
        } catch {
            draft = .failure(error)
        }
    }

    func refused(_ error: TargetDraft.RowError) -> JSONValue {
        [
            "line": line, "column": .string(error.column), "reason": .string(error.reason),
            "value_masked": .string(Address.masked(error.value)),
        ]
    }

    /// The row has the id of a target with other content.
    var belongsToAnotherFile: JSONValue {
        refused(
            TargetDraft.RowError(
                column: "",
                reason: "this line was imported before with other content: the Idempotency-Key belongs to another file",
                value: ""
            )
        )
    }
}

/// What became of the rows of one slice.
struct ImportReport {
    var imported: Int64 = 0
    var duplicates: Int64 = 0
    var errors: [JSONValue] = []

    /// Walks `rows`: each is refused, there from an earlier try, a duplicate, or taken.
    ///
    /// - Parameters:
    ///   - known: the target with the id of a row, if there is one.
    ///   - take: makes the target of a row; a dry run makes none.
    init(
        of rows: [JSONValue],
        known: (ID) throws -> Target?,
        isDuplicate: (TargetDraft) throws -> Bool,
        take: (TargetDraft, ID) throws -> Void
    ) throws {
        for json in rows {
            let row = try ImportedRow(json)
            switch row.draft {
            case .failure(let error): errors.append(row.refused(error))
            case .success(let draft):
                if let known = try known(row.id) {
                    if known.wasImported(as: draft) {
                        imported += 1
                    } else {
                        errors.append(row.belongsToAnotherFile)
                    }
                } else if try isDuplicate(draft) {
                    duplicates += 1
                } else {
                    try take(draft, row.id)
                    imported += 1
                }
            }
        }
    }

    var json: JSONValue {
        [
            "imported": .integer(imported), "rejected": .integer(errors.count), "duplicates": .integer(duplicates),
            "errors": .array(errors),
        ]
    }
}
