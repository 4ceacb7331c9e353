package import Contracts
import FaultInjection
import GRDB

extension EventLogFile {
    /// How many events may be added before the verified mark moves on: what the next opening has to check.
    static let eventsBetweenMarks: Int64 = 20_000

    /// Runs one writer turn: all of it is committed, or nothing happened.
    ///
    /// Takes the timers that are due at `dueUpTo` (none when it is nil), runs `body`, writes `cursors`, commits, and then
    /// runs the effects that `body` registered. Synchronous and without a clock of its own, so that a simulation can
    /// drive it. Throws what `body` throws, or ``EventLogError``; after a failed COMMIT the caller has to end the
    /// process: whether the disk has the data is unknown, and asking it again would not tell.
    package func perform<T>(
        now: Timestamp,
        ids: inout IDGenerator,
        dueUpTo: Timestamp? = nil,
        cursors: [String: Int64] = [:],
        _ body: (Turn) throws -> T
    ) throws -> T {
        let (result, effects) = try EventLogError.translating(path) {
            try queue.writeWithoutTransaction { db in
                try transaction(db, now: now, ids: &ids, dueUpTo: dueUpTo, cursors: cursors, body)
            }
        }
        for effect in effects { effect() }
        try maintain(isIdle: false)
        return result
    }

    /// Checkpoints when it is time. `isIdle` says that nobody waits just now.
    package func maintain(isIdle: Bool) throws {
        try EventLogError.translating(path) {
            try queue.writeWithoutTransaction { db in
                guard statements != nil else { return }
                try checkpoints.runIfDue(isIdle: isIdle, db)
            }
        }
    }

    /// Copies the WAL into the file and gives its room back, as far as no reader needs it.
    func cutWAL() throws {
        try EventLogError.translating(path) {
            try queue.writeWithoutTransaction { db in
                guard statements != nil else { return }
                try checkpoints.run(.truncate, db)
            }
        }
    }

    private func transaction<T>(
        _ db: Database,
        now: Timestamp,
        ids: inout IDGenerator,
        dueUpTo: Timestamp?,
        cursors: [String: Int64],
        _ body: (Turn) throws -> T
    ) throws -> (T, [() -> Void]) {
        guard let statements else { throw EventLogError(.closed, "\(path) was closed; open it again") }
        let before = (head: memory.head, chain: memory.chain, verified: memory.verified, nextDue: memory.nextDue)
        try db.beginTransaction(.immediate)
        let turn = Turn(log: self, statements: statements, database: db, now: now, ids: ids)
        do {
            defer { turn.end() }
            if let dueUpTo { try turn.takeDueTimers(upTo: dueUpTo) }
            let result = try body(turn)
            for (name, position) in cursors { try turn.setCursor(name, position) }
            try turn.writeAll()
            try turn.refreshNextDue()
            if memory.head - memory.verified >= EventLogFile.eventsBetweenMarks { try markVerified() }
            for type in turn.appendedTypes { CrashPoint.beforeCommit.pass(type) }
            try db.commit()
            memory.commits += 1
            for type in turn.appendedTypes { CrashPoint.afterCommit.pass(type) }
            ids = turn.ids
            return (result, turn.effects)
        } catch {
            memory.head = before.head
            memory.chain = before.chain
            memory.verified = before.verified
            memory.nextDue = before.nextDue
            memory.forgetVersions()
            for cache in rowCaches.values { cache.forget() }
            // Fails only when SQLite has rolled back by itself.
            try? db.rollback()
            throw error
        }
    }
}
