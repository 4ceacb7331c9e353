import Contracts
import EventLog
import Service
import TestSupport

/// One daemon's log, how far it was published, and what dies with its process.
class LogNode {
    let path: String
    let reader: LogReader
    private(set) var file: EventLogFile
    var ids: IDGenerator
    /// How far the events are in the queues of the others.
    private(set) var published: Int64 = 0
    /// What of that is written down: where the next process begins to publish.
    private(set) var saved: Int64 = 0
    /// Another one for each process: answers to an earlier one are lost.
    private(set) var generation = 0

    private let schema: [String]
    private let process: LogProcess?

    init(_ path: String, schema: [String], process: LogProcess? = nil, seed: UInt64, now: Timestamp) throws {
        self.path = path
        self.schema = schema
        self.process = process
        file = try EventLogFile.open(path: path, schema: schema, process: process, now: now)
        reader = try LogReader(path: path)
        ids = IDGenerator(seed: seed)
    }

    /// One turn, as the writer of the daemon runs it.
    func turn<T>(at now: Timestamp, _ body: (Turn) throws -> T) throws -> T {
        try file.perform(now: now, ids: &ids, dueUpTo: now, body)
    }

    /// The next events that are not published yet.
    func unpublished(_ limit: Int) throws -> [RecordedEvent] {
        let events = try reader.events(after: published, limit: limit)
        published = events.last?.position ?? published
        return events
    }

    var hasUnpublished: Bool { file.head > published }

    func savePublished() { saved = published }

    /// The process is gone as by `kill -9`, and another one opens what it left.
    func restart(seed: UInt64, now: Timestamp) throws {
        try file.abandon()
        file = try EventLogFile.open(path: path, schema: schema, process: process, now: now)
        ids = IDGenerator(seed: seed)
        published = saved
        generation += 1
    }
}
