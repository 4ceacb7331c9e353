/// A thing whose state is the fold of its own events: a campaign, a target, a campaigncall.
///
/// `evolve` is total and pure: no clock, no randomness, no I/O. The rules live beside it in `decide` functions, which
/// look at a state and answer with the events to record, or throw a ``Refusal``.
package protocol Aggregate: Sendable {
    associatedtype Event: DomainEvent

    /// The name of its kind: the stream of one is `<category>-<id>`, the table of all is `<category>`.
    static var category: String { get }

    /// The state after `event`, which was recorded at `time`. Nil before the first event.
    static func evolve(_ state: inout Self?, _ event: Event, at time: Timestamp)

    /// Reads the stored form.
    init(json: JSONValue) throws(JSONError)

    /// The stored form, canonical: equal states have equal bytes.
    var json: JSONValue { get }
}

/// Something that happened, as the log keeps it.
package protocol DomainEvent: Sendable {
    /// The stored name, past tense: `campaign_started`.
    var type: String { get }

    /// The stored data, an object with the members in a fixed order.
    var json: JSONValue { get }

    /// Reads a stored event; throws for a type or a schema that is not known.
    init(type: String, schema: Int, json: JSONValue) throws(JSONError)
}

extension DomainEvent {
    /// The schema number that new events of every kind carry; a changed meaning raises it and is upcast on read.
    package static var currentSchema: Int { 1 }
}
