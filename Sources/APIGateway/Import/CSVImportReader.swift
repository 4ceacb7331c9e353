import Contracts

/// Rows of a CSV file: the header names the columns, in any order.
struct CSVImportReader: ImportReader {
    private var tokenizer = CSVTokenizer(rowLimit: ImportFormat.rowLimit)
    private var columns: [String]?
    private let expected: ImportColumns

    init(_ expected: ImportColumns = .people) { self.expected = expected }

    mutating func feed(_ bytes: some Sequence<UInt8>) throws(Refusal) -> [ImportEntry] {
        var records: [CSVRecord] = []
        tokenizer.feed(bytes) { records.append($0) }
        return try entries(of: records)
    }

    mutating func finish() throws(Refusal) -> [ImportEntry] {
        var records: [CSVRecord] = []
        tokenizer.finish { records.append($0) }
        let last = try entries(of: records)
        guard columns != nil else { throw unusableHeader("the file is empty") }
        return last
    }

    private mutating func entries(of records: [CSVRecord]) throws(Refusal) -> [ImportEntry] {
        var entries: [ImportEntry] = []
        for record in records {
            if let columns {
                entries.append(CSVImportReader.entry(of: record, columns: columns))
            } else {
                columns = try columns(of: record)
            }
        }
        return entries
    }

    private func unusableHeader(_ problem: String) -> Refusal {
        Refusal(.invalidArgument, "INVALID_ARGUMENT", "\(problem); an import needs \(expected.expectation)")
    }

    private func columns(of header: CSVRecord) throws(Refusal) -> [String] {
        guard header.problem == nil else { throw unusableHeader("the header line cannot be read") }
        var names: [String] = []
        for index in 0..<header.fieldCount {
            guard let text = header.text(index)?.trimmed else { throw unusableHeader("the header is not valid UTF-8") }
            let name = expected.known.contains(text.lowercased()) ? text.lowercased() : text
            guard name.isEmpty || !names.contains(name) else {
                throw unusableHeader("the column \(name) is there twice")
            }
            names.append(name)
            guard names.count <= 1000 else { throw unusableHeader("the header has more than 1000 columns") }
        }
        guard expected.needed.contains(where: names.contains) else {
            throw unusableHeader("the header has no column \(expected.needed[0])")
        }
        return names
    }

    private static func entry(of record: CSVRecord, columns: [String]) -> ImportEntry {
        func rejected(_ column: String, _ reason: String) -> ImportEntry {
            .rejected(ImportError(line: record.line, column: column, reason: reason))
        }
        switch record.problem {
        case .tooLong: return rejected("", ImportFormat.tooLong)
        case .unclosedQuote: return rejected("", "a quote that opens in this row is never closed")
        case .textAfterQuote: return rejected("", "text follows a closing quote; a quote inside quotes is doubled")
        case nil: break
        }
        guard record.fieldCount == columns.count else {
            let column = record.fieldCount < columns.count ? columns[record.fieldCount] : ""
            return rejected(
                column,
                "the row has \(record.fieldCount) columns, the header has \(columns.count)"
            )
        }
        var values = JSONObject()
        for (index, column) in columns.enumerated() where !column.isEmpty {
            guard let text = record.text(index) else { return rejected(column, "the value is not valid UTF-8") }
            values.append(column, .string(text))
        }
        return .row(ImportRow(line: record.line, values: values))
    }
}
