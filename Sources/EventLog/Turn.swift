package import Contracts
import FaultInjection
package import GRDB

/// One turn of the writer: everything done through it becomes true with one COMMIT, or not at all.
///
/// Valid only inside the closure that received it, on that thread.
package final class Turn {
    /// The moment of the turn; every event of it is recorded at this time.
    package let now: Timestamp
    package var ids: IDGenerator
    /// The writing connection, for projections, with everything of this turn in its tables. Events, timers, inbox and
    /// cursors go through the turn.
    package var database: Database {
        get throws {
            try writeAll()
            return connection
        }
    }
    private let connection: Database
    /// The timers that fired in this turn, the earliest first; their rows are gone with this transaction.
    package private(set) var dueTimers: [DueTimer] = []

    private(set) var effects: [() -> Void] = []
    /// The types of this turn's events, while a crash point waits for them.
    private(set) var appendedTypes: [String] = []
    let statements: LogStatements
    private let log: EventLogFile
    private var isOpen = true
    /// The timers that this turn has armed, or cancelled (nil), and not written yet.
    private var timers: [TimerKey: Timestamp?] = [:]
    private var timersHaveChanged = false

    init(log: EventLogFile, statements: LogStatements, database: Database, now: Timestamp, ids: IDGenerator) {
        self.log = log
        self.statements = statements
        connection = database
        self.now = now
        self.ids = ids
    }

    /// The position of the last event, those of this turn included.
    package var head: Int64 { log.memory.head }

    /// Has `effect` run once COMMIT has returned, after those registered before; drops it when the turn fails.
    package func afterCommit(_ effect: @escaping () -> Void) {
        requireOpen()
        effects.append(effect)
    }

    /// Has `effect` run after COMMIT and before all that was registered.
    func beforeEffects(_ effect: @escaping () -> Void) { effects.insert(effect, at: 0) }

    func end() { isOpen = false }

    /// Has the tables say what the turn has done so far.
    func writeAll() throws {
        for cache in log.rowCaches.values { try cache.write(in: connection) }
        try writeTimers()
    }

    /// The rows of `table` that turns used lately.
    func cache<A>(of table: AggregateTable<A>) -> RowCache<A> {
        if let cache = log.rowCaches[A.category] as? RowCache<A> { return cache }
        let cache = RowCache(table)
        log.rowCaches[A.category] = cache
        return cache
    }

    /// The connection for rows of the caller's own, whatever the other tables say.
    var connectionForRows: Database {
        requireOpen()
        return connection
    }

    private func requireOpen() { precondition(isOpen, "a Turn was used after its turn had ended") }
}

// MARK: - Events

extension Turn {
    /// The number of events in `stream`; 0 when it does not exist.
    package func version(of stream: String) throws -> Int64 {
        requireOpen()
        if let version = log.memory.version(of: stream) { return version }
        let statement = statements.streamVersion
        defer { statement.reset() }
        statement.bind(stream, at: 1)
        return try statement.step() ? statement.integer(0) : 0
    }

    /// Appends `events` to `stream` in order.
    ///
    /// Answers `already` when all of their ids are in this stream, whatever version is expected. Otherwise throws
    /// `.versionConflict` when the stream is not at the expected version, or `.duplicateEvent` when some of the ids are
    /// in the log; then nothing was appended, and the turn can go on.
    package func append(
        _ events: [NewEvent],
        to stream: String,
        expecting: ExpectedVersion,
        context: EventContext
    ) throws -> AppendResult {
        requireOpen()
        precondition(!events.isEmpty, "append to \(stream) without events")
        // That a stream is new need not be asked: if it is not, its version 1 is refused below.
        let version = try expecting == .exactly(0) ? log.memory.version(of: stream) ?? 0 : self.version(of: stream)
        if case .exactly(let expected) = expecting, expected != version {
            return try explainRefusal(of: events, to: stream, expecting: expected)
        }
        let before = (head: log.memory.head, chain: log.memory.chain)
        var recorded: [RecordedEvent] = []
        recorded.reserveCapacity(events.count)
        for (index, event) in events.enumerated() {
            let next = RecordedEvent(
                position: log.memory.head + 1,
                stream: stream,
                version: version + Int64(index) + 1,
                type: event.type,
                schema: event.schema,
                id: event.id,
                correlation: context.correlation,
                causation: context.causation,
                recordedAt: now,
                actor: context.actor,
                data: event.data
            )
            guard try insert(next, event.data) else {
                try withdraw(to: before.head, before.chain)
                return try explainRefusal(of: events, to: stream, expecting: version)
            }
            recorded.append(next)
        }
        log.memory.setVersion(version + Int64(events.count), of: stream)
        return .appended(recorded)
    }

    /// Erases data and salts of all events of `stream`, for good; their chain stays valid. Returns how many there were.
    ///
    /// The bytes are gone from the file with the next checkpoint, which follows as soon as no reader needs the WAL. The
    /// row of the aggregate is the caller's: record an event that empties it first, in the same turn.
    package func eraseData(of stream: String) throws -> Int {
        requireOpen()
        // In place first: taking them out makes SQLite move rows, and what it moved before must hold nothing any more.
        statements.overwriteStream.bind(stream, at: 1)
        try statements.overwriteStream.run()
        log.checkpoints.cutSoon()
        statements.eraseStream.bind(stream, at: 1)
        try statements.eraseStream.run()
        return connection.changesCount
    }

    /// False when a constraint refused the row.
    private func insert(_ event: RecordedEvent, _ data: [UInt8]) throws -> Bool {
        CrashPoint.beforeAppend.pass(event.type)
        if CrashPoint.isAnyArmed { appendedTypes.append(event.type) }
        return try log.memory.insert(event, data, with: statements.insertEvent)
    }

    /// Takes back the events of an append that cannot be completed.
    private func withdraw(to head: Int64, _ chain: Hash) throws {
        statements.deleteEventsAfter.bind(head, at: 1)
        try statements.deleteEventsAfter.run()
        log.memory.head = head
        log.memory.chain = chain
    }

    /// Why `events` cannot follow the version `expected`: they were appended before, or somebody else was first.
    private func explainRefusal(
        of events: [NewEvent],
        to stream: String,
        expecting expected: Int64
    ) throws -> AppendResult {
        if let position = try knownPosition(of: events, in: stream) { return .already(position: position) }
        let actual = try version(of: stream)
        guard actual == expected else {
            throw EventLogError(
                .versionConflict,
                "\(stream) is at version \(actual), not \(expected); read it again and decide anew"
            )
        }
        throw EventLogError(.duplicateEvent, "an event that is to follow \(stream) \(actual) is in the log twice")
    }

    /// The position of the first of `events` when all of them are in `stream`, nil when none is in the log.
    private func knownPosition(of events: [NewEvent], in stream: String) throws -> Int64? {
        let statement = statements.eventByID
        var first: Int64?
        var known = 0
        for event in events {
            defer { statement.reset() }
            statement.bind(event.id, at: 1)
            guard try statement.step() else { continue }
            guard statement.text(1) == stream else {
                throw EventLogError(.duplicateEvent, "event \(event.id) of \(stream) is in \(statement.text(1))")
            }
            known += 1
            first = first ?? statement.integer(0)
        }
        guard known == 0 || known == events.count else {
            throw EventLogError(.duplicateEvent, "only \(known) of \(events.count) events are in \(stream) already")
        }
        return first
    }
}

// MARK: - Inbox, timers, cursors

extension Turn {
    /// Notes that `consumer` applies `message` in this turn; false when it did so before.
    package func admit(_ message: ID, consumer: String) throws -> Bool {
        requireOpen()
        let statement = statements.admit
        statement.bind(consumer, at: 1)
        statement.bind(message, at: 2)
        statement.bind(log.memory.head + 1, at: 3)
        return try statement.runUnlessConstrained()
    }

    /// Has the timer (`kind`, `key`) fire once at `due`; arming it again replaces the time.
    package func armTimer(kind: String, key: String, at due: Timestamp) throws {
        requireOpen()
        timers[TimerKey(kind: kind, key: key)] = .some(due)
    }

    /// Forgets a timer; nothing happens when it is not armed.
    package func cancelTimer(kind: String, key: String) throws {
        requireOpen()
        timers[TimerKey(kind: kind, key: key)] = .some(nil)
    }

    /// Writes the last word on each timer of this turn.
    private func writeTimers() throws {
        guard !timers.isEmpty else { return }
        for (timer, due) in timers {
            let statement = due == nil ? statements.cancelTimer : statements.armTimer
            statement.bind(timer.kind, at: 1)
            statement.bind(timer.key, at: 2)
            if let due {
                statement.bind(due.microseconds, at: 3)
                statement.bind(now.microseconds, at: 4)
            }
            try statement.run()
        }
        timers.removeAll(keepingCapacity: true)
        timersHaveChanged = true
    }

    /// How far the reader `name` has come; 0 when it never said.
    package func cursor(_ name: String) throws -> Int64 {
        requireOpen()
        defer { statements.readCursor.reset() }
        statements.readCursor.bind(name, at: 1)
        return try statements.readCursor.step() ? statements.readCursor.integer(0) : 0
    }

    /// Notes how far the reader `name` has come.
    package func setCursor(_ name: String, _ position: Int64) throws {
        requireOpen()
        statements.writeCursor.bind(name, at: 1)
        statements.writeCursor.bind(position, at: 2)
        try statements.writeCursor.run()
    }

    /// A turn takes this many timers at most, so that a long sleep does not make one endless turn.
    package static var timerLimit: Int { 1000 }

    func takeDueTimers(upTo limit: Timestamp) throws {
        guard let next = log.memory.nextDue, next <= limit else { return }
        let statement = statements.dueTimers
        statement.bind(limit.microseconds, at: 1)
        statement.bind(Int64(Turn.timerLimit), at: 2)
        do {
            defer { statement.reset() }
            while try statement.step() {
                let due = Timestamp(microseconds: statement.integer(2))
                dueTimers.append(DueTimer(kind: statement.text(0), key: statement.text(1), dueAt: due))
            }
        }
        for timer in dueTimers { try cancelTimer(kind: timer.kind, key: timer.key) }
    }

    /// Has the memory of the next due time renewed at the end of the turn.
    func timersChanged() { timersHaveChanged = true }

    func refreshNextDue() throws {
        guard timersHaveChanged else { return }
        defer { statements.nextDue.reset() }
        log.memory.nextDue =
            try statements.nextDue.step() ? Timestamp(microseconds: statements.nextDue.integer(0)) : nil
    }
}

private struct TimerKey: Hashable {
    let kind: String
    let key: String
}

/// A timer that fired.
package struct DueTimer: Sendable, Hashable {
    package let kind: String
    package let key: String
    /// When it was to fire; the turn's `now` may be later.
    package let dueAt: Timestamp
}
