import Contracts
import FoundationEssentials
import GRDB

/// An event with what proves it: what a slice carries.
package struct StoredEvent: Sendable, Hashable {
    package let event: RecordedEvent
    /// Goes with the data; nil once both were erased.
    package let salt: [UInt8]?
    /// 32 bytes each.
    package let dataHash: [UInt8]
    package let chain: [UInt8]

    package init(event: RecordedEvent, salt: [UInt8]?, dataHash: [UInt8], chain: [UInt8]) {
        self.event = event
        self.salt = salt
        self.dataHash = dataHash
        self.chain = chain
    }

    /// The event with hashes of its own, behind the chain value `prior`.
    ///
    /// - Parameter dataHash: of the data that was erased; what is there is hashed.
    package init(sealing event: RecordedEvent, salt: [UInt8]?, dataHash: [UInt8], after prior: [UInt8]) {
        var hasher = EventChain()
        var data = prior.withUnsafeBytes { Hash($0) }
        let before = data
        if let bytes = event.data, let salt {
            data = salt.withUnsafeBytes { salt in
                bytes.withUnsafeBytes { hasher.dataHash(salt: salt, data: $0) }
            }
        } else {
            data = dataHash.withUnsafeBytes { Hash($0) }
        }
        guard let before, let data else { preconditionFailure("a hash of position \(event.position) has not 32 bytes") }
        hasher.begin(after: before)
        hasher.field(event.position)
        hasher.field(event.stream)
        hasher.field(event.version)
        hasher.field(event.type)
        hasher.field(Int64(event.schema))
        hasher.field(event.id)
        hasher.field(event.correlation)
        hasher.field(event.causation)
        hasher.field(event.recordedAt.microseconds)
        hasher.field(event.actor)
        let link = hasher.finish(data)
        self.init(event: event, salt: salt, dataHash: data.array, chain: link.array)
    }
}

extension Hash {
    var array: [UInt8] { withUnsafeBytes(of: self) { Array($0) } }
}

extension LogReader {
    /// What the log declares when it is only a part of another one.
    package func slice() throws -> Slice? { try read { try Slice($0) } }

    /// The positions of all events of `stream`, in order.
    package func positions(of stream: String) throws -> [Int64] {
        try read { db in
            try Int64.fetchAll(
                try db.cachedStatement(sql: "SELECT position FROM event WHERE stream = ? ORDER BY version"),
                arguments: [stream]
            )
        }
    }

    /// The chain value of the event at `position`, of the beginning for 0; nil when there is no such event.
    package func chain(at position: Int64) throws -> [UInt8]? {
        if position == 0 { return EventChain.genesis(logID: logID).array }
        return try read { db in
            try Data.fetchOne(db, sql: "SELECT chain FROM event WHERE position = ?", arguments: [position])
                .map { [UInt8]($0) }
        }
    }

    /// The events at `positions`, in order, with their proofs.
    package func storedEvents(at positions: some Sequence<Int64>) throws -> [StoredEvent] {
        let list = "[\(positions.map(String.init).joined(separator: ","))]"
        return try read { db in
            let row = try PreparedStatement.cached(
                """
                SELECT \(RecordedEvent.columns), salt, data_hash, chain FROM event
                WHERE position IN (SELECT value FROM json_each(?)) ORDER BY position
                """,
                in: db
            )
            defer { row.reset() }
            row.bind(list, at: 1)
            var events: [StoredEvent] = []
            while try row.step() {
                events.append(
                    StoredEvent(
                        event: try RecordedEvent(row),
                        salt: row.isNull(11) ? nil : row.array(11),
                        dataHash: row.array(12),
                        chain: row.array(13)
                    )
                )
            }
            return events
        }
    }
}
