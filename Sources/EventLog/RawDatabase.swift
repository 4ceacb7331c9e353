import GRDB
import GRDBSQLite

/// A connection that can read a second file without ever writing to it, which GRDB's cannot: they take no URIs.
final class RawDatabase {
    private let path: String
    private var connection: SQLiteConnection?

    /// Opens or creates the file, which nobody else may use.
    init(creating path: String) throws {
        self.path = path
        try EventLogFile.makePrivateFile(path)
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI
        try check(sqlite3_open_v2(RawDatabase.uri(path, "rwc"), &connection, flags, nil))
    }

    deinit { sqlite3_close_v2(connection) }

    /// Makes the tables of another file readable as `name.table`.
    func attach(_ other: String, as name: String) throws {
        try execute(
            "ATTACH '\(RawDatabase.uri(other, "ro").split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))' AS \(name)"
        )
    }

    func execute(_ sql: String) throws { try check(sqlite3_exec(connection, sql, nil, nil, nil)) }

    func integer(_ sql: String) throws -> Int64 {
        var value: Int64 = 0
        try forEachRow(sql) { value = sqlite3_column_int64($0, 0) }
        return value
    }

    func texts(_ sql: String) throws -> [String] {
        var texts: [String] = []
        try forEachRow(sql) { texts.append(String(cString: sqlite3_column_text($0, 0))) }
        return texts
    }

    private func forEachRow(_ sql: String, _ body: (SQLiteStatement) -> Void) throws {
        var statement: SQLiteStatement?
        try check(sqlite3_prepare_v2(connection, sql, -1, &statement, nil))
        defer { sqlite3_finalize(statement) }
        guard let statement else { return }
        var code = sqlite3_step(statement)
        while code == SQLITE_ROW {
            body(statement)
            code = sqlite3_step(statement)
        }
        if code != SQLITE_DONE { try check(code) }
    }

    private func check(_ code: Int32) throws {
        guard code != SQLITE_OK else { return }
        throw EventLogError(resultCode: code, detail: String(cString: sqlite3_errmsg(connection)), path: path)
    }

    /// What a URI may not hold as it is gets its escape.
    private static func uri(_ path: String, _ mode: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var escaped: [UInt8] = []
        for byte in path.utf8 {
            if byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") || byte == UInt8(ascii: "%") {
                escaped += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                escaped.append(byte)
            }
        }
        return "file:\(String(decoding: escaped, as: UTF8.self))?mode=\(mode)"
    }
}
