package import Contracts
import GRDB
import Glibc

/// Makes a log of a part of another one's events: for reading, on whatever machine; no daemon opens it.
///
/// Positions, ids, hashes and chain stay what they were, so ``LogVerifier`` can tell whether what is there is what was
/// recorded. The rows are folded from the streams that are whole.
package final class SliceWriter {
    private let files: RebuildFiles
    private let queue: DatabaseQueue
    private let logID: ID
    private var runs: [Slice.Run] = []
    private var isFinished = false

    /// Begins the new file `path`, which appears under its name with ``finish(note:partial:projections:)``.
    ///
    /// - Parameters:
    ///   - logID: the identity of the log that the events are from.
    ///   - schema: the statements that create the projections' tables.
    package init(path: String, logID: ID, schema: [String]) throws {
        var status = stat()
        guard stat(path, &status) != 0 else {
            throw EventLogError(.inputOutput, "\(path) exists already; give an empty directory")
        }
        files = RebuildFiles(target: path)
        self.logID = logID
        files.removePartial()
        try EventLogFile.makePrivateFile(files.partial)
        queue = try EventLogError.translating(path) {
            let queue = try DatabaseQueue(path: RebuildFiles(target: path).partial)
            try queue.writeWithoutTransaction { db in
                for setting in ["journal_mode = OFF", "synchronous = OFF"] { try db.execute(sql: "PRAGMA \(setting)") }
                for statement in EventLogSchema.statements + schema { try db.execute(sql: statement) }
            }
            return queue
        }
    }

    deinit { if !isFinished { files.removePartial() } }

    /// Adds an event behind those that are there; `prior` is the chain value before it when it begins a run.
    package func append(_ stored: StoredEvent, prior: [UInt8]?) throws {
        let event = stored.event
        if event.position != (runs.last?.last ?? -1) + 1 || prior != nil {
            guard let hash = prior?.withUnsafeBytes({ Hash($0) }), event.position > runs.last?.last ?? 0 else {
                throw EventLogError(
                    .corrupt,
                    "position \(event.position) follows a gap and brings no chain value of 32 bytes"
                )
            }
            runs.append(Slice.Run(first: event.position, last: event.position, prior: hash))
        } else {
            runs[runs.count - 1].last = event.position
        }
        try EventLogError.translating(files.target) {
            try queue.writeWithoutTransaction { try insert(stored, $0) }
        }
    }

    private func insert(_ stored: StoredEvent, _ db: Database) throws {
        let event = stored.event
        let row = try PreparedStatement.cached(
            "INSERT INTO event(\(RecordedEvent.columns), salt, data_hash, chain) VALUES (\(SliceWriter.parameters))",
            in: db
        )
        row.bind(event.position, at: 1)
        row.bind(event.stream, at: 2)
        row.bind(event.version, at: 3)
        row.bind(event.type, at: 4)
        row.bind(Int64(event.schema), at: 5)
        row.bind(event.id, at: 6)
        row.bind(event.correlation, at: 7)
        if let causation = event.causation { row.bind(causation, at: 8) } else { row.bindNull(at: 8) }
        row.bind(event.recordedAt.microseconds, at: 9)
        row.bind(event.actor, at: 10)
        if let data = event.data { row.bind(blob: data, at: 11) } else { row.bindNull(at: 11) }
        if let salt = stored.salt { row.bind(blob: salt, at: 12) } else { row.bindNull(at: 12) }
        row.bind(blob: stored.dataHash, at: 13)
        row.bind(blob: stored.chain, at: 14)
        guard try row.runUnlessConstrained() else {
            throw EventLogError(.corrupt, "position \(event.position) repeats an event or a version that is there")
        }
    }

    private static let parameters = Array(repeating: "?", count: 14).joined(separator: ", ")

    /// Folds the rows and gives the file its name; answers with what could not be folded.
    package func finish(
        note: JSONValue,
        partial: Set<String>,
        projections: [any VerifiedProjection]
    ) throws -> [String] {
        let slice = Slice(note: note, partial: partial, runs: runs)
        let problems = try EventLogError.translating(files.target) {
            try queue.writeWithoutTransaction { db in
                try db.execute(
                    sql: "INSERT INTO meta VALUES ('log_id', ?), ('created_at', ?), ('verified_position', 0)",
                    arguments: [logID, WallClock.now()]
                )
                try slice.write(db)
                let problems = try SliceWriter.fold(projections, db)
                try db.execute(sql: "PRAGMA application_id = \(EventLogSchema.applicationID)")
                try db.execute(sql: "PRAGMA user_version = \(EventLogSchema.format)")
                try db.execute(sql: "PRAGMA journal_mode = WAL")
                return problems
            }
        }
        try queue.close()
        try files.finish()
        isFinished = true
        return problems
    }

    private static func fold(_ projections: [any VerifiedProjection], _ db: Database) throws -> [String] {
        var problems: [String] = []
        for case let projection as any RebuiltProjection in projections {
            do {
                try projection.refold(db, formerly: nil)
            } catch let error as EventLogError where error.code == .schemaTooNew {
                problems.append(error.message)
            }
        }
        return problems
    }
}
