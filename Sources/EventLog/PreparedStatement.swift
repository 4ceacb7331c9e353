import Contracts
import GRDB
import GRDBSQLite

/// A statement of GRDB's with its parameters and columns as C holds them: no allocation for a number, an id or a hash.
///
/// Parameters and columns are counted as in SQLite: the first parameter is 1, the first column 0.
struct PreparedStatement {
    private let owner: Statement
    private let raw: SQLiteStatement

    init(_ statement: Statement) {
        owner = statement
        raw = statement.sqliteStatement
    }

    /// The statement with this text, kept by the connection for the next time.
    static func cached(_ sql: String, in db: Database) throws -> PreparedStatement {
        PreparedStatement(try db.cachedStatement(sql: sql))
    }

    // MARK: Parameters

    func bind(_ value: Int64, at index: Int32) { sqlite3_bind_int64(raw, index, value) }

    func bindNull(at index: Int32) { sqlite3_bind_null(raw, index) }

    func bind(_ text: String, at index: Int32) {
        var text = text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                _ = sqlite3_bind_text(raw, index, characters.baseAddress ?? emptyText, Int32(bytes.count), transient)
            }
        }
    }

    /// Binds UTF-8 bytes as text.
    func bind(text bytes: [UInt8], at index: Int32) {
        bytes.withUnsafeBytes { bytes in
            let characters = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            _ = sqlite3_bind_text(raw, index, characters ?? emptyText, Int32(bytes.count), transient)
        }
    }

    func bind(blob bytes: UnsafeRawBufferPointer, at index: Int32) {
        if let start = bytes.baseAddress, bytes.count > 0 {
            sqlite3_bind_blob(raw, index, start, Int32(bytes.count), transient)
        } else {
            sqlite3_bind_zeroblob(raw, index, 0)
        }
    }

    /// Binds a blob that is read where it lies: it must last until the statement has run.
    func bind(lasting bytes: UnsafeRawBufferPointer, at index: Int32) {
        if let start = bytes.baseAddress, bytes.count > 0 {
            sqlite3_bind_blob(raw, index, start, Int32(bytes.count), nil)
        } else {
            sqlite3_bind_zeroblob(raw, index, 0)
        }
    }

    /// The same for UTF-8 text.
    func bind(lastingText bytes: UnsafeRawBufferPointer, at index: Int32) {
        let characters = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        sqlite3_bind_text(raw, index, characters ?? emptyText, Int32(bytes.count), nil)
    }

    func bind(blob bytes: [UInt8], at index: Int32) {
        bytes.withUnsafeBytes { bind(blob: $0, at: index) }
    }

    func bind(_ id: ID, at index: Int32) {
        withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { bind(blob: $0, at: index) }
    }

    func bind(_ hash: Hash, at index: Int32) {
        withUnsafeBytes(of: hash) { bind(blob: $0, at: index) }
    }

    func bind(_ value: DatabaseValue, at index: Int32) {
        _ = value.bind(to: raw, at: index)
    }

    // MARK: Running

    /// Goes to the next row; false at the end. The caller calls ``reset()`` when done, also after an error.
    func step() throws -> Bool {
        switch sqlite3_step(raw) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw failure(code)
        }
    }

    /// Runs a statement that gives no rows; false when it violates a constraint, which undoes this statement only.
    func runUnlessConstrained() throws -> Bool {
        defer { reset() }
        let code = sqlite3_step(raw)
        if code == SQLITE_DONE { return true }
        if code & 0xFF == SQLITE_CONSTRAINT { return false }
        throw failure(code)
    }

    /// Runs a statement that gives no rows.
    func run() throws {
        defer { reset() }
        while try step() {}
    }

    /// Ends the run: without it a read transaction stays open.
    func reset() { sqlite3_reset(raw) }

    private func failure(_ code: Int32) -> EventLogError {
        let connection = sqlite3_db_handle(raw)
        let path = sqlite3_db_filename(connection, nil).map { String(cString: $0) } ?? "the log"
        return EventLogError(
            resultCode: sqlite3_extended_errcode(connection),
            detail: String(cString: sqlite3_errmsg(connection)),
            path: path
        )
    }

    // MARK: Columns

    /// `SQLITE_INTEGER`, `SQLITE_TEXT` and so on.
    func type(_ column: Int32) -> Int32 { sqlite3_column_type(raw, column) }

    func isNull(_ column: Int32) -> Bool { type(column) == SQLITE_NULL }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(raw, column) }

    /// The bytes of a text or a blob, until the next step.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(raw, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(raw, column)))
    }

    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    func array(_ column: Int32) -> [UInt8] { [UInt8](bytes(column)) }

    /// The id in 16 bytes; nil for NULL and for anything of another length.
    func id(_ column: Int32) -> ID? {
        let bytes = bytes(column)
        guard bytes.count == 16 else { return nil }
        return ID(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
    }

    func hash(_ column: Int32) -> Hash? { Hash(bytes(column)) }

    func value(_ column: Int32) -> DatabaseValue { DatabaseValue(sqliteStatement: raw, index: column) }
}

/// Tells SQLite to copy what is bound.
private var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

/// Where an empty text starts: a null pointer would bind NULL.
private var emptyText: UnsafePointer<CChar> {
    UnsafeRawPointer(("" as StaticString).utf8Start).assumingMemoryBound(to: CChar.self)
}
