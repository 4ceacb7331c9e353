import Contracts
import EventLog
import GRDB

/// What led to an event.
enum Cause: Sendable {
    /// It names this one.
    case event(LogEntry)
    /// The first of the same request, which names no cause.
    case sameRequest(LogEntry)
    /// Somebody's request, of which it is the first event.
    case request(actor: String, ID)
    /// A rule of ours, when its time had come.
    case system

    /// What follows "because of".
    var text: String {
        switch self {
        case .event(let entry): "\(entry.position) \(entry.event.type)"
        case .sameRequest(let entry): "the same request as \(entry.position) \(entry.event.type)"
        case .request(let actor, let id): "a request of \(actor) (\(id))"
        case .system: "the system's own rules"
        }
    }

    var json: JSONValue {
        switch self {
        case .event(let entry): Cause.json("causation", entry)
        case .sameRequest(let entry): Cause.json("correlation", entry)
        case .request(let actor, let id):
            ["link": "request", "actor": .string(actor), "correlation_id": .id(id)]
        case .system: ["link": "system"]
        }
    }

    private static func json(_ link: String, _ entry: LogEntry) -> JSONValue {
        [
            "link": .string(link), "position": .string(entry.position), "type": .string(entry.event.type),
            "event_id": .id(entry.event.id),
        ]
    }
}

/// What led to events, over all logs.
struct Causes {
    private static let limit = 20
    /// Messages of one event are numbered: to each worker of a campaign that stops, say. More are not looked for.
    private static let mostMessages = 64

    private let directory: LogDirectory
    /// The first event of each request that was asked about.
    private var firsts: [ID: LogEntry] = [:]

    init(_ directory: LogDirectory) { self.directory = directory }

    mutating func cause(of entry: LogEntry) throws -> Cause {
        let event = entry.event
        if let id = event.causation, let cause = try Causes.find(id, in: directory) { return .event(cause) }
        if event.actor == "system" { return .system }
        let first = try first(of: event.correlation) ?? entry
        if first.event.id != event.id, LogEntry.isInOrder(first, entry) { return .sameRequest(first) }
        return .request(actor: event.actor, event.correlation)
    }

    private mutating func first(of correlation: ID) throws -> LogEntry? {
        if let known = firsts[correlation] { return known }
        let found = try directory.logs.compactMap { log in
            try log.reader.events("WHERE correlation_id = ? ORDER BY position LIMIT 1", [correlation]).first
                .map { LogEntry(log: log.name, event: $0) }
        }.min(by: LogEntry.isInOrder)
        if let found { firsts[correlation] = found }
        return found
    }

    /// From the nearest to the first: the events that are named as causes, each in whichever log holds it.
    static func chain(of entry: LogEntry, in directory: LogDirectory) throws -> [LogEntry] {
        var chain: [LogEntry] = []
        var next = entry.event.causation
        while let id = next, chain.count < limit {
            guard let cause = try find(id, in: directory) else { return chain }
            chain.append(cause)
            next = cause.event.causation == id ? nil : cause.event.causation
        }
        return chain
    }

    /// The event with this id, or the one that a message with this id follows from: see ``ID/derived(_:)``, which undoes
    /// itself.
    private static func find(_ id: ID, in directory: LogDirectory) throws -> LogEntry? {
        for index in 0...mostMessages {
            for log in directory.logs {
                if let event = try log.reader.event(id: id.derived(index)) {
                    return LogEntry(log: log.name, event: event)
                }
            }
        }
        return nil
    }
}
