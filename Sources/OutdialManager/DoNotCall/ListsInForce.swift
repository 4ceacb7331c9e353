import Contracts
import EventLog
import GRDB
import OutdialDomain

/// The do-not-call lists that count for one customer: its own and those of the whole installation.
struct ListsInForce {
    let customer: ID
    let versions: [ListVersion]
    /// Whether any of them has a number.
    private let hasNumbers: Bool

    init(of customer: ID, in db: Database) throws {
        let lists = try OutdialTables.dncLists.fetch(
            "WHERE customer_id IN (?, ?) AND is_deleted = 0 ORDER BY created_at, rowid",
            [customer, ID.none],
            in: db
        )
        self.customer = customer
        versions = lists.map { ListVersion(list: $0.id, version: $0.state.version) }
        hasNumbers = lists.contains { $0.state.numbers > 0 }
    }

    /// Those that have `number`.
    func having(_ number: String, _ db: Database) throws -> [ID] {
        guard hasNumbers else { return [] }
        let statement = try db.cachedStatement(
            sql: """
                SELECT list_id FROM dncnumber INDEXED BY dncnumber_lookup
                WHERE number = ? AND customer_id IN (?, ?) AND is_deleted = 0
                """
        )
        let found = try ID.fetchAll(statement, arguments: [number, customer, ID.none])
        return found.filter { list in versions.contains { $0.list == list } }
    }

    func has(_ number: String, _ db: Database) throws -> Bool { try !having(number, db).isEmpty }
}

/// What one customer's targets know of each other's calls.
enum NumberUse {
    /// The attempt that has a call to `number`, over all lists of the customer.
    static func holder(of number: String, customer: ID, _ db: Database) throws -> ID? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT json_extract(state, '$.lease.attempt_id') FROM target INDEXED BY target_held
                WHERE customer_id = ? AND held_number = ? LIMIT 1
                """
        )
        return try String.fetchOne(statement, arguments: [customer, number]).flatMap { ID($0) }
    }

    /// When the latest call to `number` ended, over all lists of the customer.
    static func lastCall(to number: String, customer: ID, _ db: Database) throws -> Timestamp? {
        let statement = try db.cachedStatement(
            sql: "SELECT ended_at FROM number_called WHERE customer_id = ? AND number = ?"
        )
        return try Timestamp.fetchOne(statement, arguments: [customer, number])
    }
}

extension DialingConditions {
    /// What stands against calls for `customer` at `now`, as `db` has it.
    init(_ lists: ListsInForce, _ book: HourBook, now: Timestamp, _ db: Database) {
        self.init()
        self.lists = lists.versions
        isListed = { try lists.has($0, db) }
        holder = { try NumberUse.holder(of: $0, customer: lists.customer, db) }
        lastCall = { try NumberUse.lastCall(to: $0, customer: lists.customer, db) }
        opening = { book.opening(for: $0, at: $1, now: now) }
    }
}
