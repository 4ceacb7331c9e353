import Foundation

/// The files in `schemas/`.
package enum SchemaFiles {
    /// The directory, found beside the tests' sources.
    package static let directory: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url.appendingPathComponent("schemas").path
    }()

    /// The names of the files below `folder` that end in `.json`, without the ending, sorted.
    package static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(folder)")
            .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    /// The statements of an SQL file without comments and in one form, to be compared with ``normalized(_:)``.
    package static func statements(in file: String) throws -> [String] {
        let text = try String(contentsOfFile: "\(directory)/\(file)", encoding: .utf8)
        var statements: [String] = []
        var current = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            current += "\n" + uncommented(line)
            // The statements in the body of a trigger end with a semicolon too.
            let words = line.trimmingCharacters(in: .whitespaces)
            let isEnd = current.contains(" BEGIN") ? words == "END;" : uncommented(line).hasSuffix(";")
            if isEnd {
                statements.append(normalized(current))
                current = ""
            }
        }
        return statements.filter { !$0.isEmpty && !$0.hasPrefix("PRAGMA") }
    }

    private static func uncommented(_ line: Substring) -> String {
        String(line.range(of: "--").map { line[..<$0.lowerBound] } ?? line).trimmingCharacters(in: .whitespaces)
    }

    /// One statement with single spaces, none beside parentheses and commas, and without its semicolon.
    package static func normalized(_ statement: String) -> String {
        var text = statement.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        if text.hasSuffix(";") { text.removeLast() }
        for (from, to) in [("( ", "("), (" )", ")"), (" (", "("), (" ,", ","), (", ", ",")] {
            text = text.replacingOccurrences(of: from, with: to)
        }
        return text
    }

    /// What differs between an SQL file and the statements that a fresh log was made with: sentences that say which line
    /// has to come or go, and with what text.
    package static func differences(in file: String, from made: [String]) throws -> [String] {
        let written = try statements(in: file)
        let real = made.map(normalized)
        let missing = zip(real, made).filter { !written.contains($0.0) }.map { "schemas/\(file) lacks:\n\($0.1);" }
        let strange = written.filter { !real.contains($0) }.map {
            "schemas/\(file) has, and a fresh log has not: \($0)"
        }
        return missing + strange
    }
}
