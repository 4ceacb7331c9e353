package import Contracts

/// Who appends, and because of what.
package struct EventContext: Sendable, Hashable {
    /// The request or delivery that began it all.
    package var correlation: ID
    /// The message or event that caused this append; nil when nothing inside the system did.
    package var causation: ID?
    /// Who asked: `agent:<id>`, `key:<id>`, `system`, `worker:<id>`.
    package var actor: String

    package init(correlation: ID, causation: ID? = nil, actor: String) {
        self.correlation = correlation
        self.causation = causation
        self.actor = actor
    }
}

/// An event that is to be appended.
package struct NewEvent: Sendable, Hashable {
    package var type: String
    package var schema: Int
    /// Unique in the log: appending the same id again changes nothing.
    package var id: ID
    /// Canonical JSON, UTF-8.
    package var data: [UInt8]

    package init(type: String, schema: Int = 1, id: ID, data: [UInt8]) {
        self.type = type
        self.schema = schema
        self.id = id
        self.data = data
    }
}

/// An event as the log holds it.
package struct RecordedEvent: Sendable, Hashable {
    /// Its place in the log: 1, 2, 3 without gaps.
    package let position: Int64
    package let stream: String
    /// Its place in the stream: 1, 2, 3 without gaps.
    package let version: Int64
    package let type: String
    package let schema: Int
    package let id: ID
    package let correlation: ID
    package let causation: ID?
    package let recordedAt: Timestamp
    package let actor: String
    /// Canonical JSON; nil once it was erased.
    package let data: [UInt8]?

    package init(
        position: Int64,
        stream: String,
        version: Int64,
        type: String,
        schema: Int,
        id: ID,
        correlation: ID,
        causation: ID?,
        recordedAt: Timestamp,
        actor: String,
        data: [UInt8]?
    ) {
        self.position = position
        self.stream = stream
        self.version = version
        self.type = type
        self.schema = schema
        self.id = id
        self.correlation = correlation
        self.causation = causation
        self.recordedAt = recordedAt
        self.actor = actor
        self.data = data
    }
}

/// What an append takes the stream's version to be.
package enum ExpectedVersion: Sendable, Hashable {
    case any
    /// Exactly this many events; 0 means that the stream must not exist.
    case exactly(Int64)
}

/// What an append did.
package enum AppendResult: Sendable, Hashable {
    case appended([RecordedEvent])
    /// All of the ids were in this stream before; nothing was written. The position is that of the first.
    case already(position: Int64)
}

/// The program that opens a log; its `process_started` event holds this.
package struct LogProcess: Sendable {
    package var name: String
    package var version: String
    /// The settings in force, without secrets.
    package var configuration: JSONValue

    package init(name: String, version: String, configuration: JSONValue = [:]) {
        self.name = name
        self.version = version
        self.configuration = configuration
    }
}
