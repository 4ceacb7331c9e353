import GRDB
import GRDBSQLite

/// What went wrong with a log file; the message says what to do.
package struct EventLogError: Error, CustomStringConvertible, Sendable {
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) { self.description = description }

        /// The stream is not at the expected version; nothing was appended.
        package static let versionConflict = Code("versionConflict")
        /// Some of the ids of an append are in the log already, but not all, or in another stream; nothing was appended.
        package static let duplicateEvent = Code("duplicateEvent")
        /// Another process, or another part of this one, has the log open for writing.
        package static let locked = Code("locked")
        package static let notALog = Code("notALog")
        /// The log is a part of another one, made for reading.
        package static let slice = Code("slice")
        package static let schemaTooNew = Code("schemaTooNew")
        /// The rows of the log have a form of an earlier version; its daemon makes them anew when it opens it.
        package static let schemaTooOld = Code("schemaTooOld")
        package static let permission = Code("permission")
        package static let diskFull = Code("diskFull")
        package static let inputOutput = Code("inputOutput")
        package static let corrupt = Code("corrupt")
        package static let closed = Code("closed")
        /// Any other error of the database engine: a mistake in SQL, a violated constraint.
        package static let database = Code("database")
    }

    package var code: Code
    package var message: String
    package var underlying: (any Error)?

    package init(_ code: Code, _ message: String, underlying: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
    }

    package var description: String { "\(code): \(message)" }

    /// Nothing that fails here gets better by doing it again, except opening a log that another process has open.
    package var isRetriable: Bool { code == .locked }
}

extension EventLogError {
    /// The meaning of a result code of SQLite.
    init(resultCode: Int32, detail: String, path: String) {
        switch resultCode & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED:
            self.init(.locked, "\(path) is being written by another program (\(detail)); stop it first")
        case SQLITE_FULL:
            self.init(.diskFull, "no space left for \(path) (\(detail)); free some and start again")
        case SQLITE_CORRUPT:
            self.init(.corrupt, "\(path) is damaged (\(detail)); restore it from a backup")
        case SQLITE_NOTADB:
            self.init(.notALog, "\(path) is not an event log (\(detail)); give another path")
        case SQLITE_PERM, SQLITE_READONLY, SQLITE_AUTH:
            self.init(.permission, "\(path) may not be written (\(detail)); check its owner and mode")
        case SQLITE_CANTOPEN:
            self.init(
                .permission,
                "\(path) cannot be opened (\(detail)); check that it exists, and that it and its directory are writable"
            )
        case SQLITE_IOERR:
            self.init(.inputOutput, "reading or writing \(path) failed (\(detail)); check the disk, then start again")
        case SQLITE_ERROR where detail.hasPrefix("no such table") || detail.hasPrefix("no such column"):
            self.init(
                .schemaTooOld,
                "\(path) was written by another version (\(detail)); start its daemon once on it, or on a copy: it makes "
                    + "the rows anew from the events"
            )
        default:
            self.init(.database, "\(path): \(detail)")
        }
    }

    /// Gives an error of GRDB its meaning; leaves any other as it is.
    static func translating<T>(_ path: String, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as DatabaseError {
            var translated = EventLogError(
                resultCode: error.extendedResultCode.rawValue,
                detail: error.message ?? "code \(error.resultCode)",
                path: path
            )
            translated.underlying = error
            throw translated
        }
    }
}
