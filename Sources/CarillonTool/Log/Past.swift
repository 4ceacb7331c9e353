import CampaignDomain
import Contracts
import EventLog
import Foundation

/// What all logs had said up to a moment: the folds of single streams, with the events that made them.
struct Past {
    let directory: LogDirectory
    let moment: Moment
    /// The instant that due times are compared with.
    let now: Timestamp

    /// - Parameter clock: what it is now when `moment` is no moment of the past.
    init(_ directory: LogDirectory, _ moment: Moment = .now, clock: Timestamp = .now()) {
        self.directory = directory
        self.moment = moment
        switch moment {
        case .now: now = clock
        case .time(let time): now = time
        case .position(_, _, let time): now = time
        }
    }

    /// Whether rows may be asked: they are the present.
    var isPresent: Bool { if case .now = moment { true } else { false } }

    /// The same up to an event.
    func upTo(_ entry: LogEntry) -> Past {
        Past(directory, .position(log: entry.log, entry.event.position, recordedAt: entry.event.recordedAt))
    }

    /// The events of a stream, in whichever log has it.
    func entries(_ stream: String) throws -> [LogEntry] {
        try directory.logs.flatMap { log in
            try log.reader.events(of: stream).map { LogEntry(log: log.name, event: $0) }
        }.filter(moment.includes)
    }

    func find<A: Aggregate>(_: A.Type, _ id: ID) throws -> Known<A>? {
        guard !id.isNone || A.category == System.category else { return nil }
        let entries = try entries("\(A.category)-\(id)")
        var state: A?
        for entry in entries { try entry.fold(into: &state) }
        return state.map { Known(id: id, state: $0, entries: entries) }
    }
}

/// A thing as it was, and all events that made it so.
struct Known<A: Aggregate> {
    var id: ID
    var state: A
    var entries: [LogEntry]

    /// The latest event of one of these types.
    func last(_ types: String...) -> LogEntry? { entries.last { types.contains($0.event.type) } }
    var first: LogEntry? { entries.first }
}

extension LogEntry {
    /// Lets a fold follow this event.
    func fold<A: Aggregate>(into state: inout A?) throws {
        guard let content = try content(A.Event.self) else {
            throw ToolError.failed("the data of \(event.type) at \(position) was erased")
        }
        A.evolve(&state, content, at: event.recordedAt)
    }

    /// The event as a value; nil when its data was erased.
    func content<E: DomainEvent>(_: E.Type) throws -> E? {
        guard let data = event.data else { return nil }
        return try E(type: event.type, schema: event.schema, json: try JSONValue(parsing: data))
    }
}
