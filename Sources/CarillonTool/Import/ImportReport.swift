import Contracts

/// What an import did, for a person.
enum ImportReport {
    /// The bad rows, one a line, then the counts.
    static func text(_ answer: JSONValue, limit: Int = 50) -> String {
        var text = ""
        let errors = answer["errors"].array ?? []
        for error in errors.prefix(limit) { text += line(error) + "\n" }
        let rejected = answer["rejected"].integer ?? 0
        if rejected > Int64(min(limit, errors.count)) {
            text += "  ... and \(rejected - Int64(min(limit, errors.count))) more\n"
        }
        return text + counts(answer) + "\n"
    }

    static func counts(_ answer: JSONValue) -> String {
        let imported = answer["imported"].integer ?? 0
        let rejected = answer["rejected"].integer ?? 0
        let duplicates = answer["duplicates"].integer ?? 0
        return "imported \(imported), rejected \(rejected), duplicates \(duplicates)"
    }

    private static func line(_ error: JSONValue) -> String {
        let column = error["column"].string ?? ""
        let value = error["value_masked"].string ?? ""
        var text = "  line \(error["line"].integer ?? 0)"
        if !column.isEmpty { text += ", \(column)" }
        text += ": \(error["reason"].string ?? "rejected")"
        if !value.isEmpty { text += " (\(value))" }
        return text
    }
}
