import CampaignDomain
import Contracts
import DialerWorker
import EventLog
import OutdialDomain

/// A kind of thing whose past can be seen: how its stream is folded into the object that the API shows.
struct ReplayedKind: Sendable {
    /// As commands and streams name it: `campaign`.
    let name: String
    /// An empty fold; each call answers with the object after one more event, null while it does not exist.
    let begin: @Sendable () -> any Fold

    /// The replay of one stream.
    protocol Fold {
        mutating func apply(_ event: RecordedEvent) throws
        /// The object that the API shows, times as microseconds; null when nothing was created yet.
        var resource: JSONValue { get }
    }

    private init<A: Aggregate>(_: A.Type, _ resource: @escaping @Sendable (A) -> JSONValue) {
        name = A.category
        begin = { AggregateFold(show: resource) }
    }

    private struct AggregateFold<A: Aggregate>: Fold {
        let show: @Sendable (A) -> JSONValue
        private var state: A?

        init(show: @escaping @Sendable (A) -> JSONValue) { self.show = show }

        var resource: JSONValue { state.map(show) ?? .null }

        mutating func apply(_ event: RecordedEvent) throws {
            guard let data = event.data else {
                throw ToolError.failed("the data of \(event.type) at position \(event.position) was erased")
            }
            let content = try A.Event(type: event.type, schema: event.schema, json: try JSONValue(parsing: data))
            A.evolve(&state, content, at: event.recordedAt)
        }
    }

    /// Everything that is kept as events. A worker's attempt has no public object: it shows what the journal knows.
    static let all: [ReplayedKind] = [
        ReplayedKind(Campaign.self) { $0.resource }, ReplayedKind(Campaigncall.self) { $0.resource },
        ReplayedKind(Outplan.self) { $0.resource }, ReplayedKind(Customer.self) { $0.resource },
        ReplayedKind(Agent.self) { $0.resource }, ReplayedKind(AccessKey.self) { $0.resource },
        ReplayedKind(Queue.self) { $0.resource }, ReplayedKind(Flow.self) { $0.json },
        ReplayedKind(CampaignDomain.Worker.self) { $0.json }, ReplayedKind(Outdial.self) { $0.resource },
        ReplayedKind(Target.self) { $0.resource }, ReplayedKind(Attempt.self) { $0.json },
        ReplayedKind(Queuecall.self) { $0.resource }, ReplayedKind(Activeflow.self) { $0.resource },
        ReplayedKind(DNCList.self) { $0.resource }, ReplayedKind(DNCNumber.self) { $0.resource },
    ]

    static func named(_ name: String) throws(ToolError) -> ReplayedKind {
        guard let kind = all.first(where: { $0.name == name }) else {
            throw .usage("there are \(all.map(\.name).joined(separator: ", ")), not \(name)")
        }
        return kind
    }
}

/// One thing and its whole stream, in the one log that holds it.
struct Replay {
    let kind: ReplayedKind
    let id: ID
    let entries: [LogEntry]

    /// Finds what `text` names: `campaign:ID`, or a bare id when only one kind of thing has it.
    init(_ text: String, in directory: LogDirectory) throws {
        let (kind, id) = try LogHistory.parse(text)
        let kinds = try kind.map { [try ReplayedKind.named($0)] } ?? ReplayedKind.all
        var found: [Replay] = []
        for kind in kinds {
            for log in directory.logs {
                let events = try log.reader.events(of: "\(kind.name)-\(id)")
                guard !events.isEmpty else { continue }
                found.append(Replay(kind, id, events.map { LogEntry(log: log.name, event: $0) }))
            }
        }
        // A campaigncall and the worker's attempt share their id: the first of the kinds is the one that users know.
        guard let first = found.first else { throw ToolError.failed("no log knows \(text)") }
        self = first
    }

    private init(_ kind: ReplayedKind, _ id: ID, _ entries: [LogEntry]) {
        self.kind = kind
        self.id = id
        self.entries = entries
    }

    /// Each event with the object before and after it, in order, until `body` says false.
    func walk(_ body: (_ entry: LogEntry, _ before: JSONValue, _ after: JSONValue) throws -> Bool) throws {
        var fold = kind.begin()
        for entry in entries {
            let before = fold.resource
            try fold.apply(entry.event)
            guard try body(entry, before, fold.resource) else { return }
        }
    }

    /// The object as it was at `moment`, and the event that made it so; nil when it did not exist yet.
    func state(at moment: Moment) throws -> (resource: JSONValue, last: LogEntry)? {
        var found: (JSONValue, LogEntry)?
        try walk { entry, _, after in
            guard moment.includes(entry) else { return false }
            found = (after, entry)
            return true
        }
        return found
    }
}

/// A moment of the past: a time, or right after an event of one log.
enum Moment: Sendable {
    case now
    case time(Timestamp)
    /// A position of one log; other logs are seen as they were when its event was recorded.
    case position(log: String, Int64, recordedAt: Timestamp)

    /// Reads `--at`: `2026-01-31T12:00:00.5Z`, `campaign-manager:1234`; nil is now.
    init(_ text: String?, in directory: LogDirectory) throws {
        guard let text else {
            self = .now
            return
        }
        if let time = Timestamp(parsing: text) {
            self = .time(time)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let position = Int64(text[text.index(after: colon)...]) else {
            throw ToolError.usage(
                "--at is a time such as 2026-01-31T12:00:00Z or a position such as campaign-manager:1234, not '\(text)'"
            )
        }
        let name = String(text[..<colon])
        guard let log = directory.logs.first(where: { $0.name == name }) else {
            let names = directory.logs.map(\.name).joined(separator: ", ")
            throw ToolError.usage("there is no log \(name); there are \(names)")
        }
        guard let event = try log.reader.event(at: position) else {
            throw ToolError.failed("\(name) has no position \(position); its last is \(try log.reader.head())")
        }
        self = .position(log: name, position, recordedAt: event.recordedAt)
    }

    /// Whether the event had happened.
    func includes(_ entry: LogEntry) -> Bool {
        switch self {
        case .now: true
        case .time(let time): entry.event.recordedAt <= time
        case .position(let log, let position, let recordedAt):
            entry.log == log ? entry.event.position <= position : entry.event.recordedAt <= recordedAt
        }
    }
}

/// A field of an object by its path: `status`, `progress.idle`, `destination_0.target`.
struct FieldPath: Sendable {
    let text: String

    func value(in json: JSONValue) -> JSONValue {
        text.split(separator: ".").reduce(json) { value, name in
            if let elements = value.array {
                return Int(name).flatMap { elements.indices.contains($0) ? elements[$0] : nil } ?? .null
            }
            return value[String(name)]
        }
    }

    /// Checks that objects of this kind have such a field: one that no object ever had is a slip of the pen.
    func require(in replay: Replay) throws {
        guard let first = text.split(separator: ".").first.map(String.init) else {
            throw ToolError.usage("name a field, such as status")
        }
        var names: [String] = []
        try replay.walk { _, _, after in
            names = after.object?.members.map(\.name) ?? []
            return true
        }
        guard names.contains(first) else {
            throw ToolError.usage(
                "a \(replay.kind.name) has no field \(first); it has \(names.joined(separator: ", "))"
            )
        }
    }
}
