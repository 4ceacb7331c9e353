import Foundation

/// The list that a demo imports.
struct DemoList: Sendable {
    let path: String
    private let isTemporary: Bool

    /// The list as it is; its first rows for a smaller number; filled up with made-up people for a larger one.
    static func prepare(people: String, targets: Int?) throws(ToolError) -> DemoList {
        guard let data = FileManager.default.contents(atPath: people) else {
            throw .configuration("\(people) cannot be read; give another --people")
        }
        guard let targets else { return DemoList(path: people, isTemporary: false) }
        let path = "/tmp/carillon-demo-\(getpid()).csv"
        try PrivateFile.write(text(String(decoding: data, as: UTF8.self), targets: targets), to: path)
        return DemoList(path: path, isTemporary: true)
    }

    /// The header and `targets` rows.
    static func text(_ people: String, targets: Int) -> String {
        let lines = people.split(whereSeparator: \.isNewline)
        guard let header = lines.first else { return "" }
        var rows = [header] + lines.dropFirst().prefix(targets)
        let columns = header.split(separator: ",", omittingEmptySubsequences: false)
        for index in stride(from: rows.count, through: targets, by: 1) {
            let row = columns.map { column -> String in
                switch column {
                case "name": "Person \(index)"
                case "destination_0": "+1555" + String(10_000_000 + index).suffix(7)
                default: ""
                }
            }
            rows.append(Substring(row.joined(separator: ",")))
        }
        return rows.joined(separator: "\n") + "\n"
    }

    func removeTemporary() {
        if isTemporary { unlink(path) }
    }
}
