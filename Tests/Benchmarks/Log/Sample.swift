import Contracts
import EventLog
import GRDB

/// An aggregate with one kind of event: what it is told last, and how often it was told something.
struct Sample: Aggregate {
    struct Event: DomainEvent {
        var text: String

        var type: String { "sample_noted" }
        var json: JSONValue { ["text": .string(text)] }

        init(text: String) { self.text = text }

        init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
            guard type == "sample_noted" else { throw JSONError("unknown event \(type)") }
            text = try json.requireString("text")
        }
    }

    static let category = "sample"

    var text: String
    var count: Int64

    static func evolve(_ state: inout Sample?, _ event: Event, at time: Timestamp) {
        state = Sample(text: event.text, count: (state?.count ?? 0) + 1)
    }

    init(text: String, count: Int64) {
        self.text = text
        self.count = count
    }

    init(json: JSONValue) throws(JSONError) {
        text = try json.requireString("text")
        count = try json.requireInteger("count")
    }

    var json: JSONValue { ["text": .string(text), "count": .integer(count)] }
}

extension Sample {
    static let table = AggregateTable<Sample>(
        columns: [.init("count", .integer) { $0.count.databaseValue }],
        indexes: ["CREATE INDEX sample_count ON sample(count)"]
    )

    /// The ids of the streams that rows are spread over.
    static func ids(_ count: Int) -> [ID] {
        (0..<UInt64(count)).map { ID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | $0) }
    }

    /// A text whose event has `size` bytes of data.
    static func text(size: Int) -> String {
        let empty = Sample.Event(text: "").json.bytes.count
        let letters = Array("abcdefghijklmnopqrstuvwxyz 0123456789 ")
        return String((0..<max(0, size - empty)).map { letters[$0 % letters.count] })
    }

    /// The data of such an event.
    static func data(size: Int) -> [UInt8] { Sample.Event(text: text(size: size)).json.bytes }
}
