package import Contracts
package import EventLog
package import GRDB
package import OutdialDomain
import Service

/// What outdial-manager keeps beside its events: the rows of outdials and targets, and how many targets are where.
package enum OutdialTables {
    package static let outdials = AggregateTable<Outdial>(
        columns: [
            .init("customer_id", .blob) { $0.customer.databaseValue },
            .init("claimed", .integer) { ($0.claim != nil).databaseValue },
            .init("created_at", .integer) { $0.createdAt.databaseValue },
            .init("is_deleted", .integer) { ($0.deletedAt != nil).databaseValue },
        ],
        indexes: [
            "CREATE INDEX outdial_list ON outdial(customer_id, created_at)",
            "CREATE INDEX outdial_claimed ON outdial(claimed) WHERE claimed = 1",
        ]
    )

    package static let targets = AggregateTable<Target>(
        columns: [
            .init("outdial_id", .blob) { $0.outdial.databaseValue },
            .init("bucket", .text) { $0.bucket.rawValue.databaseValue },
            .init("selectable", .integer) { $0.isSelectable.databaseValue },
            .init("priority", .integer) { $0.priority.databaseValue },
            .init("tried", .integer) { $0.wasTried.databaseValue },
            .init("due_at", .integer) { $0.dueAt.databaseValue },
            .init("tries", .integer) { TriesUsed(of: $0).packed.databaseValue },
            .init("name", .text) { $0.name.databaseValue },
            .init("result_reason", .text) { $0.resultReason.databaseValue },
            .init("first_destination", .text) { ($0.destinations[0]?.target).databaseValue },
            .init("created_at", .integer) { $0.createdAt.databaseValue },
            .init("is_deleted", .integer) { ($0.deletedAt != nil).databaseValue },
            .init("customer_id", .blob) { $0.customer.databaseValue },
            .init("held_number", .text) { $0.heldNumber.databaseValue },
            .init("blocked_number", .text) { $0.blockedNumber.databaseValue },
            .init("deferred", .integer) { ($0.isSelectable && $0.deferral != nil).databaseValue },
            .init("calls", .text) { $0.pastCallsText.databaseValue },
        ],
        indexes: [
            // Only those that wait to be leased are in it: finding the next one costs the same in any list.
            "CREATE INDEX target_selection ON target(outdial_id, priority, tried, due_at) WHERE selectable = 1",
            "CREATE INDEX target_leased ON target(outdial_id) WHERE bucket = 'progressing'",
            "CREATE INDEX target_destination ON target(outdial_id, first_destination)",
            "CREATE INDEX target_list ON target(outdial_id, created_at)",
            // One live call per number, over all lists of a customer: who has it, and who waits for it.
            "CREATE INDEX target_held ON target(customer_id, held_number) WHERE held_number IS NOT NULL",
            "CREATE INDEX target_blocked ON target(customer_id, blocked_number) WHERE blocked_number IS NOT NULL",
            "CREATE INDEX target_deferred ON target(outdial_id) WHERE deferred = 1",
        ]
    )

    package static let dncLists = AggregateTable<DNCList>(
        columns: [
            .init("customer_id", .blob) { $0.customer.databaseValue },
            .init("created_at", .integer) { $0.createdAt.databaseValue },
            .init("is_deleted", .integer) { ($0.deletedAt != nil).databaseValue },
        ],
        indexes: ["CREATE INDEX dnclist_list ON dnclist(customer_id, created_at)"]
    )

    package static let dncNumbers = AggregateTable<DNCNumber>(
        columns: [
            .init("list_id", .blob) { $0.list.databaseValue },
            .init("customer_id", .blob) { $0.customer.databaseValue },
            .init("number", .text) { $0.number.databaseValue },
            .init("created_at", .integer) { $0.createdAt.databaseValue },
            .init("is_deleted", .integer) { ($0.deletedAt != nil).databaseValue },
        ],
        indexes: [
            "CREATE INDEX dncnumber_lookup ON dncnumber(number, customer_id) WHERE is_deleted = 0",
            "CREATE INDEX dncnumber_list ON dncnumber(list_id, created_at)",
        ]
    )

    /// The statements that create all tables.
    package static let schema =
        outdials.schema + targets.schema + dncLists.schema + dncNumbers.schema + counts + calls
        + AnsweredRequests.schema

    /// Whether the outdial has a target, not deleted, whose first destination is this one.
    static func hasTarget(withFirst destination: String, in outdial: ID, _ db: Database) throws -> Bool {
        let statement = try db.cachedStatement(
            sql: "SELECT 1 FROM target WHERE outdial_id = ? AND first_destination = ? AND is_deleted = 0 LIMIT 1"
        )
        return try Int.fetchOne(statement, arguments: [outdial, destination]) != nil
    }

    private static let counts = [
        """
        CREATE TABLE target_count(
            outdial_id BLOB NOT NULL, bucket TEXT NOT NULL, targets INTEGER NOT NULL,
            PRIMARY KEY (outdial_id, bucket)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TRIGGER target_counted AFTER INSERT ON target BEGIN
            INSERT INTO target_count VALUES (NEW.outdial_id, NEW.bucket, 1)
                ON CONFLICT DO UPDATE SET targets = targets + 1;
        END
        """,
        """
        CREATE TRIGGER target_recounted AFTER UPDATE OF bucket ON target WHEN OLD.bucket <> NEW.bucket BEGIN
            UPDATE target_count SET targets = targets - 1 WHERE outdial_id = OLD.outdial_id AND bucket = OLD.bucket;
            INSERT INTO target_count VALUES (NEW.outdial_id, NEW.bucket, 1)
                ON CONFLICT DO UPDATE SET targets = targets + 1;
        END
        """,
    ]
}

extension OutdialTables {
    /// When each number of a customer was called last; it follows from `calls` of all targets.
    private static let calls = [
        """
        CREATE TABLE number_called(
            customer_id BLOB NOT NULL, number TEXT NOT NULL, ended_at INTEGER NOT NULL,
            PRIMARY KEY (customer_id, number)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TRIGGER target_call_noted AFTER INSERT ON target WHEN NEW.calls IS NOT NULL BEGIN
            INSERT INTO number_called SELECT NEW.customer_id, key, value FROM json_each(NEW.calls) WHERE true
                ON CONFLICT DO UPDATE SET ended_at = max(ended_at, excluded.ended_at);
        END
        """,
        """
        CREATE TRIGGER target_call_renoted AFTER UPDATE OF calls ON target WHEN NEW.calls IS NOT OLD.calls BEGIN
            INSERT INTO number_called SELECT NEW.customer_id, key, value FROM json_each(NEW.calls) WHERE true
                ON CONFLICT DO UPDATE SET ended_at = max(ended_at, excluded.ended_at);
        END
        """,
    ]
}

/// Where a target is counted. A deleted one counts only while its last attempt is under way.
package enum TargetBucket: String, Sendable, CaseIterable {
    case idle, progressing, success, fail, deleted
}

extension Target {
    package var bucket: TargetBucket {
        switch status {
        case .progressing: .progressing
        case _ where deletedAt != nil: .deleted
        case .idle: .idle
        case .done: result == "success" ? .success : .fail
        }
    }
}

/// How many targets of one outdial are where.
package struct TargetCounts: Hashable, Sendable {
    package var idle: Int64 = 0
    package var progressing: Int64 = 0
    package var success: Int64 = 0
    package var fail: Int64 = 0

    package init(of outdial: ID, in db: Database) throws {
        let statement = try db.cachedStatement(sql: "SELECT bucket, targets FROM target_count WHERE outdial_id = ?")
        let rows = try Row.fetchCursor(statement, arguments: [outdial])
        while let row = try rows.next() {
            let count: Int64 = row[1]
            switch TargetBucket(rawValue: row[0]) {
            case .idle: idle = count
            case .progressing: progressing = count
            case .success: success = count
            case .fail: fail = count
            case .deleted, nil: break
            }
        }
    }

    package var done: Int64 { success + fail }
    package var targets: Int64 { idle + progressing + done }
}

/// The counts against the rows they count.
package let targetCountCheck = CountCheck(
    "target_count",
    sql: """
        SELECT 'outdial ' || hex(outdial_id) || ' ' || bucket, sum(counted), sum(targets) FROM (
            SELECT outdial_id, bucket, 1 AS counted, 0 AS targets FROM target
            UNION ALL SELECT outdial_id, bucket, 0, targets FROM target_count
        ) GROUP BY outdial_id, bucket HAVING sum(counted) <> sum(targets)
        """
) { what, counted, kept in
    "\(what): \(counted) targets, the count says \(kept)"
}

/// The latest calls against the targets that they follow from, and that no number has two live calls.
package struct NumberCheck: VerifiedProjection {
    package init() {}
    package var name: String { "number_called" }

    package func check(_ db: Database, report: (Violation) -> Void) throws {
        let calls = try Row.fetchCursor(
            db,
            sql: """
                SELECT substr(number, -4), max(noted), max(kept) FROM (
                    SELECT customer_id, key AS number, value AS noted, NULL AS kept FROM target, json_each(calls)
                        WHERE calls IS NOT NULL
                    UNION ALL SELECT customer_id, number, NULL, ended_at FROM number_called
                ) GROUP BY customer_id, number HAVING max(noted) IS NOT max(kept)
                """
        )
        while let row = try calls.next() {
            let number: String = row[0]
            report(Violation(0, "projection", "number_called differs from the calls to the number ending in \(number)"))
        }
        let shared = try Row.fetchCursor(
            db,
            sql: """
                SELECT substr(held_number, -4), count(*) FROM target
                WHERE held_number IS NOT NULL GROUP BY customer_id, held_number HAVING count(*) > 1
                """
        )
        while let row = try shared.next() {
            let (number, count): (String, Int64) = (row[0], row[1])
            report(Violation(0, "invariant", "\(count) attempts hold the number ending in \(number) at once"))
        }
    }
}

/// What `log verify` recomputes of outdial-manager's log.
package let outdialManagerProjections: [any VerifiedProjection] = [
    OutdialTables.outdials, OutdialTables.targets, OutdialTables.dncLists, OutdialTables.dncNumbers,
    targetCountCheck, NumberCheck(),
]
