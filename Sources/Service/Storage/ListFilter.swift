package import Contracts
package import GRDB

/// What narrows a list, beside whose list it is: conditions on the columns of its table, all of which have to hold.
package struct ListFilter: Sendable {
    package private(set) var conditions: [String] = []
    package private(set) var arguments = StatementArguments()
    /// The earliest creation time, inclusive.
    package var from: Timestamp?
    /// The end of the creation times, exclusive.
    package var before: Timestamp?

    package init() {}

    /// Adds a condition with its arguments.
    package mutating func require(_ condition: String, _ arguments: StatementArguments = []) {
        conditions.append(condition)
        self.arguments += arguments
    }

    /// Adds that `column`, or an expression, equals `value`; nothing when that is nil.
    package mutating func require(_ column: String, is value: (any DatabaseValueConvertible)?) {
        guard let value else { return }
        require("\(column) = ?", [value])
    }

    /// Adds that the name has `part` in it, letter by letter; nothing when that is nil.
    ///
    /// Without a column for the name it is read from the state, which is for lists that stay short.
    package mutating func require(name part: String?, in column: String = "json_extract(state, '$.name')") {
        guard let part else { return }
        require("instr(\(column), ?) > 0", [part])
    }
}

/// The filters of a list request: the query parameters that the client gave, checked here.
///
/// Every refusal names the parameter and what it may be.
package struct ListQuery: Sendable {
    private let values: JSONValue

    /// Reads `filter` of a request's params: texts by the names of the query parameters.
    package init(params: JSONValue) { values = params["filter"] }

    /// A text; absent is nil.
    package func text(_ name: String) -> String? { values[name].string }

    /// One of `words`, after aliases; absent is nil.
    package func word(
        _ name: String,
        _ words: [String],
        aliases: [String: String] = [:]
    ) throws(Refusal) -> String? {
        guard let text = text(name) else { return nil }
        let word = aliases[text] ?? text
        guard words.contains(word) else {
            throw .invalid(name, "must be one of \(words.joined(separator: ", ")), not \"\(text)\"")
        }
        return word
    }

    /// An id; absent is nil.
    package func id(_ name: String) throws(Refusal) -> ID? {
        guard let text = text(name) else { return nil }
        guard let id = ID(text) else { throw .invalid(name, "must be a UUID") }
        return id
    }

    /// A time in any known form; absent is nil.
    package func time(_ name: String) throws(Refusal) -> Timestamp? {
        guard let text = text(name) else { return nil }
        guard let time = Timestamp(parsing: text) else {
            throw .invalid(name, "must be a time, as in 2026-01-31 08:00:00 or 2026-01-31T08:00:00Z")
        }
        return time
    }
}
