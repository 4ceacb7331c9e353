package import Contracts
import FoundationEssentials
package import GRDB

extension ID: DatabaseValueConvertible {
    /// The 16 bytes as a blob.
    package var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> ID? {
        Data.fromDatabaseValue(value).flatMap { ID(bytes: $0) }
    }
}

extension Timestamp: DatabaseValueConvertible {
    /// The microseconds as an integer.
    package var databaseValue: DatabaseValue { microseconds.databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> Timestamp? {
        Int64.fromDatabaseValue(value).map { Timestamp(microseconds: $0) }
    }
}
