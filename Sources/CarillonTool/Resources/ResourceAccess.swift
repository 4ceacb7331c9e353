import Contracts
import Foundation

/// What the commands for objects have in common.
enum ResourceAccess {
    /// Runs `body` against the gateway, with the exit statuses of these commands.
    static func perform(_ options: GatewayOptions, _ body: (Gateway) async throws -> Void) async throws {
        do {
            var gateway = try options.gateway()
            gateway.client = Gateway.failingFast
            try await body(gateway)
        } catch let error as ToolError {
            switch error.status {
            case 78: throw ToolError(status: 2, error.message)
            case 69: throw ToolError(status: 75, "\(error.message) Try again when it does.")
            default: throw error
            }
        }
    }

    /// Shows one object: its members one a line, or as one line of JSON.
    static func show(_ object: JSONValue, asJSON: Bool) {
        guard !asJSON else { return Terminal.write(object.text + "\n") }
        let rows = (object.object?.members ?? []).map { [$0.name, cell($0.value)] }
        let table = TextTable(columns: [.init(title: "", isWhole: true), .init(title: "", isWhole: true)], rows: rows)
        Terminal.write(table.text(width: nil, hasColor: false))
    }

    /// A value as a cell: texts as they are, anything else as JSON.
    static func cell(_ value: JSONValue) -> String {
        guard !value.isNull else { return "" }
        return (value.string ?? value.text).map { $0.isNewline ? " " : String($0) }.joined()
    }

    /// The document of `--json-body`: a file, or the standard input for `-`.
    static func document(_ path: String?) throws -> JSONValue {
        guard let path else { return [:] }
        let data = path == "-" ? try FileHandle.standardInput.readToEnd() : FileManager.default.contents(atPath: path)
        guard let data else { throw ToolError(status: 2, "\(path) cannot be read; give another file") }
        do {
            let json = try JSONValue(parsing: Array(data))
            guard json.object != nil else { throw ToolError(status: 2, "\(path) holds no JSON object") }
            return json
        } catch let error as JSONError {
            throw ToolError(status: 2, "\(path) holds no valid JSON: \(error.message)")
        }
    }
}

extension Resource {
    /// A list as a table, fitted to the terminal when there is one.
    func table(_ rows: [JSONValue]) -> String {
        let table = TextTable(
            columns: columns.map { column in
                TextTable.Column(
                    title: column.title,
                    isRight: column.isNumber,
                    isWhole: column.isWhole
                )
            },
            rows: rows.map { row in columns.map { ResourceAccess.cell($0.value(of: row)) } }
        )
        return table.text(width: Terminal.isInteractive ? Terminal.width : nil, hasColor: Terminal.hasColor)
    }
}

extension Resource.Column {
    func value(of row: JSONValue) -> JSONValue {
        name.split(separator: ".").reduce(row) { value, part in value[String(part)] }
    }
}

/// Reads a list page by page.
enum ResourceList {
    private static let pageSize = 100

    /// The first `limit` objects (0: all), newest first; `show` is given each page when it has come.
    static func read(
        _ path: String,
        _ query: [(String, String)],
        limit: Int,
        _ gateway: Gateway,
        show: ([JSONValue]) -> Void
    ) async throws -> [JSONValue] {
        var rows: [JSONValue] = []
        var token = ""
        repeat {
            let left = limit == 0 ? pageSize : min(pageSize, limit - rows.count)
            var parameters = query + [("page_size", String(left))]
            if !token.isEmpty { parameters.append(("page_token", token)) }
            let text = parameters.map { "\($0.0)=\(Gateway.escaped($0.1))" }.joined(separator: "&")
            let page = try await gateway.get("\(path)?\(text)")
            // Rows that were made in one microsecond come in one page, which may be longer than asked for.
            let found = (page["result"].array ?? []).prefix(limit == 0 ? Int.max : limit - rows.count)
            show(Array(found))
            rows += found
            token = page["next_page_token"].string ?? ""
        } while !token.isEmpty && (limit == 0 || rows.count < limit)
        return rows
    }
}
