import Contracts
import GRDB

/// The last event that is known to be good, as the log's `meta` table tells it.
struct VerifiedMark {
    let logID: ID
    let position: Int64
    let chain: Hash

    init(_ db: Database, path: String) throws {
        let statement = try PreparedStatement.cached("SELECT name, value FROM meta", in: db)
        defer { statement.reset() }
        var logID: ID?
        var position: Int64?
        var chain: Hash?
        while try statement.step() {
            switch statement.text(0) {
            case "log_id": logID = statement.id(1)
            case "verified_position": position = statement.integer(1)
            case "verified_chain": chain = statement.hash(1)
            default: break
            }
        }
        guard let logID, let position, let chain = position == 0 ? EventChain.genesis(logID: logID) : chain else {
            throw EventLogError(.corrupt, "\(path) has lost its identity (table meta); restore it from a backup")
        }
        self.logID = logID
        self.position = position
        self.chain = chain
    }

    /// Reports when the event is gone, or is another one than it was.
    func check(_ db: Database, report: (Violation) throws -> Void) throws {
        guard position > 0 else { return }
        let statement = try PreparedStatement.cached("SELECT chain FROM event WHERE position = ?", in: db)
        defer { statement.reset() }
        statement.bind(position, at: 1)
        if try !statement.step() {
            try report(Violation(position, "position", "the event is missing, and it had been verified"))
        } else if statement.hash(0) != chain {
            try report(Violation(position, "chain", "the chain is not what it was when it was verified"))
        }
    }
}

/// Walks over events in the order of their positions and recomputes hashes and chain.
struct ChainScan {
    private(set) var position: Int64
    private(set) var chain: Hash
    private(set) var events: Int64 = 0
    private(set) var isIntact = true
    private var hasher = EventChain()

    init(logID: ID, after position: Int64 = 0, chain: Hash? = nil) {
        self.position = position
        self.chain = chain ?? EventChain.genesis(logID: logID)
    }

    /// Reports each violation and goes on, trusting the stored chain from there, unless `report` throws.
    mutating func run(_ db: Database, report: (Violation) throws -> Void) throws {
        let statement = try PreparedStatement.cached(
            """
            SELECT position, stream, version, type, schema, event_id, correlation_id, causation_id, recorded_at, actor,
                data, salt, data_hash, chain
            FROM event WHERE position > ? ORDER BY position
            """,
            in: db
        )
        defer { statement.reset() }
        statement.bind(position, at: 1)
        while try statement.step() {
            try check(statement, report)
            events += 1
        }
    }

    private mutating func check(_ row: PreparedStatement, _ report: (Violation) throws -> Void) throws {
        let found = row.integer(0)
        let isContiguous = found == position + 1
        if !isContiguous {
            isIntact = false
            let missing = found - position - 1
            let message = missing == 1 ? "the event is missing" : "\(missing) events are missing from here on"
            try report(Violation(position + 1, "position", message))
        }
        position = found
        guard let dataHash = row.hash(12), let stored = row.hash(13) else {
            isIntact = false
            return try report(Violation(found, "chain", "a stored hash has not 32 bytes"))
        }
        if let problem = dataProblem(row, dataHash) {
            isIntact = false
            try report(Violation(found, "chain", problem))
        }
        // After a gap the value before this event is unknown.
        if isContiguous, link(row, dataHash) != stored {
            isIntact = false
            try report(Violation(found, "chain", "the event or its chain was changed after it was recorded"))
        }
        chain = stored
    }

    private func dataProblem(_ row: PreparedStatement, _ dataHash: Hash) -> String? {
        switch (row.isNull(10), row.isNull(11)) {
        case (true, true): nil
        case (false, false):
            EventChain.dataHash(salt: row.bytes(11), data: row.bytes(10)) == dataHash
                ? nil : "the data was changed after it was recorded"
        default: "only one of data and salt was erased"
        }
    }

    private mutating func link(_ row: PreparedStatement, _ dataHash: Hash) -> Hash {
        hasher.begin(after: chain)
        hasher.field(row.integer(0))
        hasher.field(row.bytes(1))
        hasher.field(row.integer(2))
        hasher.field(row.bytes(3))
        hasher.field(row.integer(4))
        for column: Int32 in 5...7 { hasher.field(row.bytes(column)) }
        hasher.field(row.integer(8))
        hasher.field(row.bytes(9))
        return hasher.finish(dataHash)
    }
}
