import Contracts

/// What became of one row of a file on its way to outdial-manager.
enum ImportEntry: Sendable, Equatable {
    case row(ImportRow)
    case rejected(ImportError)
}

/// A row that can be read: its values by the names of their columns.
struct ImportRow: Sendable, Equatable {
    var line: Int
    var values: JSONObject

    /// About how many bytes it takes in a request.
    var size: Int {
        values.members.reduce(80) { $0 + $1.name.utf8.count + ($1.value.string?.utf8.count ?? 0) + 6 }
    }
}

/// Why a row was not imported; `column` is empty when the whole row is at fault.
struct ImportError: Sendable, Equatable {
    var line: Int
    var column: String
    var reason: String

    /// The public form. The gateway masks every value wholly: it does not know which ones are numbers of people.
    var json: JSONValue {
        [
            "line": .integer(line), "column": .string(column), "reason": .string(reason), "value_masked": "",
        ]
    }
}

/// The columns that an import knows. Of people every other one becomes a variable of the target.
struct ImportColumns: Sendable {
    /// One of them has to be there.
    let needed: [String]
    let known: Set<String>
    let expectation: String

    static let people = ImportColumns(
        needed: ImportColumn.destinations,
        known: Set(["name", "detail", "data", "priority", "time_zone"] + ImportColumn.destinations),
        expectation: "a header line with at least destination_0, and any of name, detail, data, priority, time_zone, "
            + "destination_1 to destination_4 and columns of your own, separated by commas"
    )

    static let numbers = ImportColumns(
        needed: ["number"],
        known: ["number", "reason"],
        expectation: "a header line with number, and perhaps reason, separated by commas"
    )
}

enum ImportColumn {
    static let destinations = ["destination_0", "destination_1", "destination_2", "destination_3", "destination_4"]
}
