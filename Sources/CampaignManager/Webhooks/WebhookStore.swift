package import Contracts
import Foundation
import GRDB
import Service

/// What waits to be delivered, in a file of its own beside the log: `<data directory>/webhooks.sqlite`.
///
/// Not in the log, which keeps for ever and is read as a whole: this is other people's post, in and out. An event is
/// here from before its message is acknowledged until it is delivered or too old.
package final class WebhookStore: Sendable {
    package struct Event: Sendable {
        package var customer: ID
        package var event: ID
        /// The object that it is about: its events go in order.
        package var subject: String
        package var type: String
        package var document: [UInt8]

        package init(customer: ID, event: ID, subject: String, type: String, document: [UInt8]) {
            self.customer = customer
            self.event = event
            self.subject = subject
            self.type = type
            self.document = document
        }
    }

    package struct Waiting: Sendable {
        package var row: Int64
        package var addedAt: Timestamp
        package var event: Event
    }

    private let database: DatabaseQueue
    private let rowsPerCustomer: Int

    /// Opens or makes the file; throws a ``StartupError`` that says what to do.
    ///
    /// - Parameter rowsPerCustomer: what a customer whose endpoint is down keeps here at most; older ones go first.
    package init(directory: String, rowsPerCustomer: Int = 100_000) throws {
        self.rowsPerCustomer = rowsPerCustomer
        let path = "\(directory)/webhooks.sqlite"
        var configuration = Configuration()
        configuration.label = "webhooks"
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF")
        }
        do {
            if !FileManager.default.fileExists(atPath: path) {
                _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
            }
            database = try DatabaseQueue(path: path, configuration: configuration)
            try database.write { db in
                try db.execute(
                    sql: """
                        CREATE TABLE IF NOT EXISTS delivery(
                            id INTEGER PRIMARY KEY AUTOINCREMENT, customer BLOB NOT NULL, event BLOB NOT NULL,
                            subject TEXT NOT NULL, type TEXT NOT NULL, added_at INTEGER NOT NULL,
                            document BLOB NOT NULL, UNIQUE(customer, event)
                        ) STRICT;
                        CREATE INDEX IF NOT EXISTS delivery_next ON delivery(customer, id);
                        """
                )
            }
        } catch let error as DatabaseError {
            throw StartupError(
                "\(path) cannot be used (\(error)); restore it, or remove it: what waits in it is lost then"
            )
        }
    }

    /// Keeps `events`; those that wait already are left as they are. Answers how many older ones had to go.
    package func add(_ events: [Event], at now: Timestamp) async throws -> Int {
        try await database.write { [rowsPerCustomer] db in
            var dropped = 0
            for event in events {
                try db.execute(
                    sql: """
                        INSERT OR IGNORE INTO delivery(customer, event, subject, type, added_at, document)
                        VALUES (?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        Data(event.customer.bytes), Data(event.event.bytes), event.subject, event.type,
                        now.microseconds, Data(event.document),
                    ]
                )
            }
            for customer in Set(events.map(\.customer)) {
                try db.execute(
                    sql: """
                        DELETE FROM delivery WHERE customer = :customer AND id <= (
                            SELECT id FROM delivery WHERE customer = :customer ORDER BY id DESC LIMIT 1 OFFSET :limit
                        )
                        """,
                    arguments: ["customer": Data(customer.bytes), "limit": rowsPerCustomer]
                )
                dropped += db.changesCount
            }
            return dropped
        }
    }

    /// The customers for whom something waits.
    package func customers() async throws -> Set<ID> {
        try await database.read { db in
            let rows = try Data.fetchAll(db, sql: "SELECT DISTINCT customer FROM delivery")
            return Set(rows.compactMap { ID(bytes: Array($0)) })
        }
    }

    /// The oldest events of one customer that may be under way side by side: of each object one.
    package func next(of customer: ID, limit: Int) async throws -> [Waiting] {
        try await database.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, event, subject, type, added_at, document FROM delivery
                    WHERE customer = ? ORDER BY id LIMIT ?
                    """,
                arguments: [Data(customer.bytes), limit]
            )
            var subjects: Set<String> = []
            var waiting: [Waiting] = []
            for row in rows {
                let (event, subject, type): (Data, String, String) = (row[1], row[2], row[3])
                let (id, addedAt, document): (Int64, Int64, Data) = (row[0], row[4], row[5])
                guard subjects.insert(subject).inserted else { break }
                waiting.append(
                    Waiting(
                        row: id,
                        addedAt: Timestamp(microseconds: addedAt),
                        event: Event(
                            customer: customer,
                            event: ID(bytes: Array(event)) ?? .none,
                            subject: subject,
                            type: type,
                            document: Array(document)
                        )
                    )
                )
            }
            return waiting
        }
    }

    package func remove(_ rows: [Int64]) async throws {
        guard !rows.isEmpty else { return }
        try await database.write { db in
            for row in rows { try db.execute(sql: "DELETE FROM delivery WHERE id = ?", arguments: [row]) }
        }
    }

    /// Forgets all that waits for a customer; answers how much it was.
    package func removeAll(of customer: ID) async throws -> Int {
        try await database.write { db in
            try db.execute(sql: "DELETE FROM delivery WHERE customer = ?", arguments: [Data(customer.bytes)])
            return db.changesCount
        }
    }
}
