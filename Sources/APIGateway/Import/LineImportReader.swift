import Contracts

/// Rows of a file with one JSON object a line.
struct LineImportReader: ImportReader {
    private var splitter = LineSplitter(rowLimit: ImportFormat.rowLimit)

    mutating func feed(_ bytes: some Sequence<UInt8>) -> [ImportEntry] {
        var entries: [ImportEntry] = []
        splitter.feed(bytes) { line, text in
            if let entry = LineImportReader.entry(line, text) { entries.append(entry) }
        }
        return entries
    }

    mutating func finish() -> [ImportEntry] {
        var entries: [ImportEntry] = []
        splitter.finish { line, text in
            if let entry = LineImportReader.entry(line, text) { entries.append(entry) }
        }
        return entries
    }

    /// The row of a line; nil for a blank one.
    private static func entry(_ line: Int, _ bytes: [UInt8]?) -> ImportEntry? {
        func rejected(_ column: String, _ reason: String) -> ImportEntry {
            .rejected(ImportError(line: line, column: column, reason: reason))
        }
        guard let bytes else { return rejected("", ImportFormat.tooLong) }
        guard !bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { return nil }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes)
        } catch {
            return rejected("", "the line is not valid JSON: \(error.message)")
        }
        guard let object = json.object else { return rejected("", "the line is not a JSON object") }
        var values = JSONObject()
        for member in object.members {
            let isDestination = ImportColumn.destinations.contains(member.name)
            switch isDestination ? destination(member.value) : text(member.value) {
            case .success(let text?): values[member.name] = .string(text)
            case .success(nil): break
            case .failure(let problem): return rejected(member.name, problem.message)
            }
        }
        return .row(ImportRow(line: line, values: values))
    }

    /// Any value as text; nothing for null.
    private static func text(_ value: JSONValue) -> Result<String?, JSONError> {
        switch value {
        case .null: .success(nil)
        default: .success(value.string ?? value.text)
        }
    }

    /// A destination is a text, or an address object as in the rest of the API.
    private static func destination(_ value: JSONValue) -> Result<String?, JSONError> {
        guard value.object != nil else { return text(value) }
        guard let target = value["target"].string, !target.isEmpty else { return .success(nil) }
        switch value["type"].string ?? "" {
        case "", "tel", "email": return .success(target)
        case "sip": return .success(target.hasPrefix("sip") ? target : "sip:" + target)
        default: return .failure(JSONError("a destination must be of type tel, sip or email"))
        }
    }
}
