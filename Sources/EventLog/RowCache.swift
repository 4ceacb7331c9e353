import Contracts
import GRDB

/// The rows of one table that turns used lately: read without SQL, and written once a turn however often they change.
///
/// What has changed and is not in the file yet is written before anybody can ask the file: see ``Turn/database``.
final class RowCache<A: Aggregate>: UnwrittenRows {
    typealias Loaded = AggregateTable<A>.Loaded

    private struct Entry {
        var loaded: Loaded
        /// Whether the file has a row for it.
        var isStored: Bool
        /// Whether that row says the same.
        var isWritten: Bool
    }

    private let table: AggregateTable<A>
    private var entries: [ID: Entry] = [:]
    private var unwritten: [ID] = []

    /// How many rows are kept from turn to turn. With more, all are forgotten: then each costs one read again.
    private static var limit: Int { 8192 }

    init(_ table: AggregateTable<A>) { self.table = table }

    subscript(id: ID) -> Loaded? { entries[id]?.loaded }

    /// Keeps what was read from the file.
    func keep(_ loaded: Loaded) { entries[loaded.id] = Entry(loaded: loaded, isStored: true, isWritten: true) }

    /// Keeps what is to be written.
    func change(to loaded: Loaded, isNew: Bool) {
        let before = entries[loaded.id]
        if before?.isWritten ?? true { unwritten.append(loaded.id) }
        entries[loaded.id] = Entry(loaded: loaded, isStored: before?.isStored ?? !isNew, isWritten: false)
    }

    func write(in database: Database) throws {
        for id in unwritten {
            guard let entry = entries[id] else { continue }
            try table.write(entry.loaded, isNew: !entry.isStored, in: database)
            entries[id]?.isStored = true
            entries[id]?.isWritten = true
        }
        unwritten.removeAll(keepingCapacity: true)
        if entries.count > RowCache.limit { entries.removeAll(keepingCapacity: true) }
    }

    func forget() {
        entries.removeAll()
        unwritten.removeAll()
    }
}

/// What of a turn is not in the file yet.
protocol UnwrittenRows: AnyObject {
    /// Writes all that has changed, in the order of the first changes.
    func write(in database: Database) throws
    /// Forgets everything: the turn failed.
    func forget()
}
