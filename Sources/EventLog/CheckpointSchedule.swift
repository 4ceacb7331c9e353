import GRDB
import GRDBSQLite

/// Decides when the WAL is copied into the database file, and does it.
///
/// The automatic checkpoint is off: it would run inside a COMMIT, while callers wait for their answer.
struct CheckpointSchedule {
    /// 16 MiB of pages: little enough to copy in a moment, enough that a hot page is copied once for many writes.
    static let framesBetween: Int32 = 4096
    /// 64 MiB: a WAL that a long reader made this large is cut when there is time.
    static let framesWorthCutting: Int32 = 16_384

    /// Written by SQLite after each commit: the number of frames in the WAL.
    private let frames: FrameCount
    private var nextAt = framesBetween
    private var largest: Int32 = 0
    /// Whether the WAL may hold what was erased, by an earlier process too: until it is cut, at the next moment when no
    /// reader needs it.
    private var mustCut = true
    private(set) var count: Int64 = 0

    init(_ db: Database) {
        let frames = FrameCount()
        self.frames = frames
        // `frames` outlives the connection: both belong to the same EventLogFile, and closing calls no hook.
        sqlite3_wal_hook(
            db.sqliteConnection,
            { context, _, _, count in
                Unmanaged<FrameCount>.fromOpaque(context!).takeUnretainedValue().value = count
                return SQLITE_OK
            },
            Unmanaged.passUnretained(frames).toOpaque()
        )
    }

    /// What the WAL holds and the database file may not have yet, in bytes: so much more room a checkpoint can need.
    var pendingBytes: Int64 { Int64(frames.value) * Int64(CheckpointSchedule.pageSize) }

    private static let pageSize: Int32 = 4096

    /// Has the WAL cut to nothing as soon as no reader needs it.
    mutating func cutSoon() { mustCut = true }

    /// Called between turns; never waits for a reader.
    ///
    /// A reader that stays keeps the WAL growing, as it needs the pages of its moment: what it holds is copied once it
    /// has gone, and the file is cut then, also while the writer is busy.
    mutating func runIfDue(isIdle: Bool, _ db: Database) throws {
        largest = max(largest, frames.value)
        let isLarge = largest >= CheckpointSchedule.framesWorthCutting
        if mustCut || isLarge && (isIdle || frames.value >= nextAt) {
            try run(.truncate, db)
        } else if frames.value >= nextAt {
            try run(.passive, db)
        }
    }

    mutating func run(_ mode: Database.CheckpointMode, _ db: Database) throws {
        var inLog: Int32 = 0
        var copied: Int32 = 0
        // Only TRUNCATE would wait for readers; it has to try again later instead.
        sqlite3_busy_timeout(db.sqliteConnection, 0)
        defer { sqlite3_busy_timeout(db.sqliteConnection, EventLogFile.busyMilliseconds) }
        let code = sqlite3_wal_checkpoint_v2(db.sqliteConnection, nil, mode.rawValue, &inLog, &copied)
        if code != SQLITE_OK, code & 0xFF != SQLITE_BUSY {
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage)
        }
        count += 1
        if code == SQLITE_OK, mode == .truncate {
            largest = 0
            mustCut = false
        }
        // A complete copy lets the WAL begin again from its start; else readers hold it and it goes on growing.
        let isComplete = code == SQLITE_OK && inLog == copied
        if isComplete { frames.value = 0 }
        nextAt = (isComplete ? 0 : max(inLog, frames.value)) + CheckpointSchedule.framesBetween
    }
}

/// A number that C code writes; on the writer's thread only.
private final class FrameCount {
    var value: Int32 = 0
}
