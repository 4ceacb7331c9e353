package import Contracts
package import EventLog
import GRDB

/// The log of one worker: which attempts it has accepted, and what became of them.
///
/// A journal has an id of its own, which is made with the file and names the worker's queue. A new or wiped journal is
/// a new worker to everybody else.
package struct Journal: Sendable {
    /// The state of every attempt that this journal has claimed or refused.
    package static let attempts = AggregateTable<Attempt>(
        columns: [.init("live", .integer) { ($0.phase.isLive ? 1 : 0).databaseValue }],
        indexes: ["CREATE INDEX attempt_live ON attempt(id) WHERE live = 1"]
    )
    /// The tables beside the log's own.
    package static var schema: [String] { attempts.schema }
    /// What has to equal a replay of the log.
    package static var projections: [any VerifiedProjection] { [attempts] }

    static let stream = "journal"
    private static let created = "journal_created"

    package let log: EventLogFile
    package let id: ID
    /// How far it had come when its last accepted process ended: nobody was told of more. What processes append that
    /// were never accepted does not count, or a restored copy would catch up with itself by being started often.
    package let position: Int64
    /// Why campaign-manager refused it, for good.
    package let refusal: String?

    /// The name of a worker's log file, without its extension.
    package static func name(worker: String) -> String { "dialer-worker.\(worker)" }

    /// Takes a log that was opened with ``schema``: gives a new one its id, and ends in an old one what an earlier
    /// process left open.
    ///
    /// - Throws: ``EventLogError``.
    package init(log: EventLogFile, core: inout WorkerCore, now: Timestamp) throws {
        self.log = log
        var ids = IDGenerator()
        var begun = core
        (id, position, refusal) = try log.perform(now: now, ids: &ids) { turn in
            let id = try Journal.identity(turn)
            let position = try Journal.acceptedPosition(turn)
            let refusal = try Journal.lastRefusal(turn)
            try begun.begin(turn)
            return (id, position, refusal)
        }
        core = begun
    }

    /// How far the journal had come when its last accepted process ended. One that is older than acceptances, and was
    /// never judged, shows how far it had come before this process.
    private static func acceptedPosition(_ turn: Turn) throws -> Int64 {
        let acceptance = try RecordedEvent.fetch(
            "WHERE stream = ? AND type = ? ORDER BY version DESC LIMIT 1",
            [stream, Fact.acceptedType],
            in: turn.database
        )
        let order = acceptance.isEmpty ? "DESC" : "ASC"
        let start = try RecordedEvent.fetch(
            "WHERE stream = ? AND position > ? ORDER BY version \(order) LIMIT 1",
            ["process-dialer-worker", acceptance.first?.position ?? 0],
            in: turn.database
        )
        return start.first.map { $0.position - 1 } ?? 0
    }

    private static func lastRefusal(_ turn: Turn) throws -> String? {
        let refusals = try RecordedEvent.fetch(
            "WHERE stream = ? AND type = ? ORDER BY version DESC LIMIT 1",
            [stream, Fact.refusedType],
            in: turn.database
        )
        return try refusals.first.map { try JSONValue(parsing: $0.data ?? [])["reason"].string ?? "" }
    }

    private static func identity(_ turn: Turn) throws -> ID {
        let first = try RecordedEvent.fetch("WHERE stream = ? ORDER BY version LIMIT 1", [stream], in: turn.database)
        if let event = first.first {
            guard let id = try event.data.map({ try JSONValue(parsing: $0).requireID("journal") }) else {
                throw EventLogError(.corrupt, "the journal's id at position \(event.position) was erased")
            }
            return id
        }
        let id = turn.ids.next(at: turn.now)
        let data: JSONValue = ["journal": .id(id)]
        _ = try turn.append(
            [NewEvent(type: created, id: turn.ids.next(at: turn.now), data: data.bytes)],
            to: stream,
            expecting: .exactly(0),
            context: EventContext(correlation: id, actor: "system")
        )
        return id
    }
}
