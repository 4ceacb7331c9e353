package import Contracts
import GRDB
import GRDBSQLite
import Glibc

/// The log of one process, open for writing: the only connection that ever writes or checkpoints its file.
///
/// SQLite 3.40 can corrupt a WAL file when two connections write or checkpoint at once, so a lock file refuses a second
/// writer, and everything else reads through ``LogReader``. Turns run one at a time, from whichever thread calls
/// ``perform(now:ids:dueUpTo:cursors:_:)``; calling it from inside a turn is a programmer's error.
package final class EventLogFile: @unchecked Sendable {
    // Safe to share: `memory`, `statements`, `checkpoints` and `rowCaches` are only touched inside blocks of `queue`, which is serial.

    package let path: String
    /// The identity of the log: copies and backups keep it.
    package let logID: ID

    let queue: DatabaseQueue
    // Unchecked, as every insert goes through it and only one turn ever runs.
    @exclusivity(unchecked) var memory: LogMemory
    var statements: LogStatements?
    var checkpoints: CheckpointSchedule
    /// The rows that turns used lately, by table.
    var rowCaches: [String: any UnwrittenRows] = [:]
    private let lock: LockFile

    /// Wires up what ``open(path:schema:process:now:)`` has opened and checked.
    init(
        path: String,
        logID: ID,
        queue: DatabaseQueue,
        memory: LogMemory,
        statements: LogStatements,
        checkpoints: CheckpointSchedule,
        lock: LockFile
    ) {
        self.path = path
        self.logID = logID
        self.queue = queue
        self.memory = memory
        self.statements = statements
        self.checkpoints = checkpoints
        self.lock = lock
    }

    /// The position of the last committed event; 0 for an empty log.
    package var head: Int64 { queue.writeWithoutTransaction { _ in memory.head } }

    /// How many COMMITs there were since the log was opened; each of them is one sync of the disk.
    package var commits: Int64 { queue.writeWithoutTransaction { _ in memory.commits } }

    /// How often the WAL was copied into the file since the log was opened; each time is two syncs.
    package var checkpointCount: Int64 { queue.writeWithoutTransaction { _ in checkpoints.count } }

    /// What the WAL holds and the file may not have yet, in bytes: disk space that a checkpoint can still need.
    ///
    /// About 16 MiB at most, unless a reader stays: it keeps the WAL growing for as long.
    package var pendingBytes: Int64 { queue.writeWithoutTransaction { _ in checkpoints.pendingBytes } }

    /// When the next timer is due; nil when none is armed.
    package var nextDue: Timestamp? { queue.writeWithoutTransaction { _ in memory.nextDue } }

    /// SQLite's `synchronous` setting of the writing connection: 2 (FULL), or commits could vanish at power loss.
    package var synchronousLevel: Int {
        get throws { try queue.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 } }
    }

    /// Marks the log as verified up to its end, checkpoints and closes; a second call does nothing.
    package func close() throws {
        guard queue.writeWithoutTransaction({ _ in statements != nil }) else { return }
        try EventLogError.translating(path) {
            try queue.writeWithoutTransaction { db in
                try db.inTransaction(.immediate) {
                    try markVerified()
                    return .commit
                }
                try checkpoints.run(.truncate, db)
                statements = nil
            }
            try queue.close()
        }
        lock.release()
    }

    /// Gives the log up without writing anything more: after a failed turn, when the file may not be trusted to take it.
    package func abandon() throws {
        let wasOpen = queue.writeWithoutTransaction { _ in
            defer { statements = nil }
            return statements != nil
        }
        guard wasOpen else { return }
        // The connection stays: closing the last one would copy the WAL into the file, and tell the disk to forget what
        // it failed to write. The process is to end.
        _ = Unmanaged.passRetained(queue)
        lock.release()
    }

    /// Writes down that everything up to the head has been verified. The caller is inside a transaction.
    func markVerified() throws {
        guard let statements, memory.head > memory.verified else { return }
        statements.writeMeta.bind("verified_position", at: 1)
        statements.writeMeta.bind(memory.head, at: 2)
        try statements.writeMeta.run()
        statements.writeMeta.bind("verified_chain", at: 1)
        statements.writeMeta.bind(memory.chain, at: 2)
        try statements.writeMeta.run()
        memory.verified = memory.head
    }
}
