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
    private(set) var events: Int64 = 0
    private(set) var isIntact = true
    /// Nil when the event at `position` could not be read: then the link of the next one cannot be checked.
    private var known: Hash?
    private var hasher = EventChain()
    /// The gaps that are declared.
    var slice: Slice?

    /// The chain value of the event at ``position``.
    var chain: Hash {
        guard let known else { preconditionFailure("the chain of position \(position) was asked for and is not known") }
        return known
    }

    /// Begins after `position`, whose event has the chain value `chain`; nil when that event is missing.
    init(after position: Int64, chain: Hash?) {
        self.position = position
        known = chain
    }

    /// Begins after the event at `position` and trusts its stored chain, which the scan before it checks.
    init(_ db: Database, logID: ID, after position: Int64) throws {
        if position == 0 {
            self.init(after: 0, chain: EventChain.genesis(logID: logID))
        } else {
            let statement = try PreparedStatement.cached("SELECT chain FROM event WHERE position = ?", in: db)
            defer { statement.reset() }
            statement.bind(position, at: 1)
            self.init(after: position, chain: try statement.step() ? statement.hash(0) : nil)
        }
    }

    /// Checks the events up to `last`, or to the end when it is nil.
    ///
    /// Reports each violation and goes on, trusting the stored chain from there, unless `report` throws. A page that
    /// cannot be read ends the scan: the events on it are lost, and so is the way to those after them.
    mutating func run(_ db: Database, upTo last: Int64? = nil, report: (Violation) throws -> Void) throws {
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
        while try step(statement, report) {
            // The comparison is here and not in the statement: a changed position would end the scan too early.
            if let last, statement.integer(0) > last { break }
            try check(statement, report)
            events += 1
        }
        if let last, position < last { try reportMissing(upTo: last, report) }
    }

    private mutating func step(_ statement: PreparedStatement, _ report: (Violation) throws -> Void) throws -> Bool {
        do {
            return try statement.step()
        } catch let error as EventLogError where error.code == .corrupt {
            isIntact = false
            try report(Violation(position + 1, "chain", "the event cannot be read: \(error.message)"))
            return false
        }
    }

    private mutating func reportMissing(upTo last: Int64, _ report: (Violation) throws -> Void) throws {
        isIntact = false
        let (missing, first) = slice?.expected(after: position, upTo: last) ?? (last - position, position + 1)
        guard let first else {
            return try report(Violation(last + 1, "position", "the slice does not declare this event"))
        }
        let message = missing == 1 ? "the event is missing" : "\(missing) events are missing from here on"
        try report(Violation(first, "position", message))
    }

    private mutating func check(_ row: PreparedStatement, _ report: (Violation) throws -> Void) throws {
        let found = row.integer(0)
        let prior = found == position + 1 ? nil : slice?.prior(of: found, after: position)
        if let prior { known = prior }
        let isContiguous = found == position + 1 || prior != nil
        if found <= position {
            isIntact = false
            try report(Violation(position + 1, "position", "after it comes position \(found)"))
        } else if !isContiguous {
            try reportMissing(upTo: found - 1, report)
        }
        position = found
        guard let dataHash = row.hash(12), let stored = row.hash(13) else {
            isIntact = false
            known = nil
            return try report(Violation(found, "chain", "a stored hash has not 32 bytes"))
        }
        if let problem = dataProblem(row, dataHash) {
            isIntact = false
            try report(Violation(found, "chain", problem))
        }
        // After a gap the value before this event is unknown.
        if isContiguous, let known, link(row, after: known, dataHash) != stored {
            isIntact = false
            try report(Violation(found, "chain", "the event or its chain was changed after it was recorded"))
        }
        known = stored
    }

    private mutating func dataProblem(_ row: PreparedStatement, _ dataHash: Hash) -> String? {
        switch (row.isNull(10), row.isNull(11)) {
        case (true, true): nil
        case (false, false):
            hasher.dataHash(salt: row.bytes(11), data: row.bytes(10)) == dataHash
                ? nil : "the data was changed after it was recorded"
        default: "only one of data and salt was erased"
        }
    }

    private mutating func link(_ row: PreparedStatement, after previous: Hash, _ dataHash: Hash) -> Hash {
        hasher.begin(after: previous)
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
