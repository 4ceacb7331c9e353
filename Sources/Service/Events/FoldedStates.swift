import Contracts
import EventLog
import GRDB

/// The states of one kind of aggregate as the publisher goes through their events.
///
/// The rows of the log are of no use here: they may be further than the event. A state that is not at hand is made from
/// the events of its stream, which is short for what is frequent. The last few thousand are kept.
final class FoldedStates<A: Aggregate>: PublishedStates {
    private struct Entry {
        var state: A?
        var version: Int64 = 0
        /// False once an event was erased: what it did to the state is not known any more.
        var isReadable = true
        /// Bytes of events, as a measure of the state's size.
        var size = 0
    }

    private let isTold: (A) -> Bool
    private let customer: (A) -> ID
    private let resource: (A) -> JSONValue
    /// Two generations: what was used since the last change of generations, and what only before it.
    private var young: [ID: Entry] = [:]
    private var old: [ID: Entry] = [:]
    private var youngSize = 0

    /// Of one generation.
    private static var countLimit: Int { 2048 }
    private static var sizeLimit: Int { 4 << 20 }
    private static var page: Int { 500 }

    init(
        isTold: @escaping (A) -> Bool = { _ in true },
        customer: @escaping (A) -> ID,
        resource: @escaping (A) -> JSONValue
    ) {
        self.isTold = isTold
        self.customer = customer
        self.resource = resource
    }

    /// How many states are kept.
    var count: Int { young.count + old.count }

    func object(after event: RecordedEvent, of id: ID, in db: Database) throws -> (customer: ID, resource: JSONValue)? {
        var entry = take(id)
        // A batch that is tried again begins before what it left here.
        if entry.version >= event.version { entry = Entry() }
        while entry.version < event.version - 1 {
            let missed = try RecordedEvent.fetch(
                of: event.stream,
                after: entry.version,
                before: event.version,
                limit: FoldedStates.page,
                in: db
            )
            if missed.isEmpty { break }
            for event in missed { try FoldedStates.apply(event, to: &entry) }
        }
        try FoldedStates.apply(event, to: &entry)
        let state = entry.isReadable ? entry.state : nil
        keep(id, entry)
        return state.flatMap { isTold($0) ? (customer($0), resource($0)) : nil }
    }

    private static func apply(_ event: RecordedEvent, to entry: inout Entry) throws(JSONError) {
        entry.version = event.version
        guard entry.isReadable else { return }
        guard let data = event.data else {
            entry.isReadable = false
            entry.state = nil
            return
        }
        entry.size = max(entry.size, data.count)
        let content = try A.Event(type: event.type, schema: event.schema, json: try JSONValue(parsing: data))
        A.evolve(&entry.state, content, at: event.recordedAt)
    }

    private func take(_ id: ID) -> Entry {
        if let entry = young.removeValue(forKey: id) {
            youngSize -= entry.size
            return entry
        }
        return old.removeValue(forKey: id) ?? Entry()
    }

    private func keep(_ id: ID, _ entry: Entry) {
        young[id] = entry
        youngSize += entry.size
        guard young.count > FoldedStates.countLimit || youngSize > FoldedStates.sizeLimit else { return }
        old = young
        young = [:]
        youngSize = 0
    }
}
