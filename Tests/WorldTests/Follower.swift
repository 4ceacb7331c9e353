import Contracts
import EventLog

/// The states of the aggregates of one kind, as their events are published.
struct Follower<A: Aggregate> {
    private(set) var states: [ID: A] = [:]

    /// Follows an event of this kind; nil for another one.
    mutating func see(_ event: RecordedEvent, _ json: JSONValue) throws -> (id: ID, before: A?, after: A?)? {
        guard let dash = event.stream.firstIndex(of: "-"), event.stream[..<dash] == A.category[...],
            let id = ID(event.stream[event.stream.index(after: dash)...])
        else { return nil }
        let before = states[id]
        var state = before
        A.evolve(&state, try A.Event(type: event.type, schema: event.schema, json: json), at: event.recordedAt)
        states[id] = state
        return (id, before, state)
    }
}
