package import CampaignDomain
package import Contracts
package import EventLog
package import GRDB

/// Where a campaigncall is counted.
package enum CallBucket: String, Sendable, CaseIterable {
    case dialing, answered, done
    /// Never placed: not counted as a call.
    case notDialed = "not_dialed"
}

extension Campaigncall {
    package var bucket: CallBucket {
        switch phase {
        case .assigned, .dialing, .ringing: .dialing
        case .answered: .answered
        case .done: wasNotDialed ? .notDialed : .done
        }
    }
}

/// How many campaigncalls of one campaign are where.
package struct CallCounts: Hashable, Sendable {
    package var dialing: Int64 = 0
    package var answered: Int64 = 0
    package var done: Int64 = 0
    /// Those that were ever answered.
    package var everAnswered: Int64 = 0

    package var open: Int64 { dialing + answered }
    package var calls: Int64 { dialing + answered + done }

    package init(campaign: ID, in db: Database) throws {
        let statement = try db.cachedStatement(sql: "SELECT bucket, calls FROM call_count WHERE campaign_id = ?")
        let rows = try Row.fetchCursor(statement, arguments: [campaign])
        while let row = try rows.next() {
            let count: Int64 = row[1]
            switch CallBucket(rawValue: row[0]) {
            case .dialing: dialing = count
            case .answered: answered = count
            case .done: done = count
            case .notDialed: break
            case nil: everAnswered = count
            }
        }
    }

    /// `answered / (calls - dialing)`: of the calls whose answer is known, those that were answered; null before the first.
    package var answerRate: JSONValue { CampaignService.ratio(everAnswered, calls - dialing) }

    /// The open attempts that one journal holds.
    package static func open(journal: ID, in db: Database) throws -> Int64 {
        let statement = try db.cachedStatement(sql: "SELECT open FROM journal_count WHERE journal = ?")
        return try Int64.fetchOne(statement, arguments: [journal]) ?? 0
    }

    /// Tables and the triggers that keep them, so that counts and rows cannot differ.
    static let schema = [
        """
        CREATE TABLE call_count(
            campaign_id BLOB NOT NULL, bucket TEXT NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (campaign_id, bucket)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE TABLE journal_count(journal BLOB PRIMARY KEY, open INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        """
        CREATE TRIGGER call_counted AFTER INSERT ON campaigncall BEGIN
            INSERT INTO call_count VALUES (NEW.campaign_id, NEW.bucket, 1)
                ON CONFLICT DO UPDATE SET calls = calls + 1;
            INSERT INTO call_count SELECT NEW.campaign_id, 'ever_answered', 1 WHERE NEW.was_answered = 1
                ON CONFLICT DO UPDATE SET calls = calls + 1;
            INSERT INTO journal_count
                SELECT NEW.journal, 1 WHERE NEW.bucket IN ('dialing', 'answered')
                ON CONFLICT DO UPDATE SET open = open + 1;
        END
        """,
        """
        CREATE TRIGGER call_recounted AFTER UPDATE OF bucket ON campaigncall WHEN OLD.bucket <> NEW.bucket BEGIN
            UPDATE call_count SET calls = calls - 1 WHERE campaign_id = OLD.campaign_id AND bucket = OLD.bucket;
            INSERT INTO call_count VALUES (NEW.campaign_id, NEW.bucket, 1)
                ON CONFLICT DO UPDATE SET calls = calls + 1;
            INSERT INTO call_count
                SELECT NEW.campaign_id, 'ever_answered', 1 WHERE NEW.was_answered = 1 AND OLD.was_answered = 0
                ON CONFLICT DO UPDATE SET calls = calls + 1;
            UPDATE journal_count SET open = open - 1
                WHERE journal = OLD.journal AND NEW.bucket IN ('done', 'not_dialed');
        END
        """,
    ]
}

/// The counts against the rows they count.
package let callCountCheck = CountCheck(
    "call_count",
    sql: """
        SELECT 'campaign ' || hex(campaign_id) || ' ' || bucket, sum(counted), sum(kept) FROM (
            SELECT campaign_id, bucket, 1 AS counted, 0 AS kept FROM campaigncall
            UNION ALL SELECT campaign_id, 'ever_answered', 1, 0 FROM campaigncall WHERE was_answered = 1
            UNION ALL SELECT campaign_id, bucket, 0, calls FROM call_count
        ) GROUP BY campaign_id, bucket HAVING sum(counted) <> sum(kept)
        UNION ALL
        SELECT 'journal ' || hex(journal) || ' open', sum(counted), sum(kept) FROM (
            SELECT journal, bucket IN ('dialing', 'answered') AS counted, 0 AS kept FROM campaigncall
            UNION ALL SELECT journal, 0, open FROM journal_count
        ) GROUP BY journal HAVING sum(counted) <> sum(kept)
        """
) { what, counted, kept in
    "\(what): \(counted) campaigncalls, the count says \(kept)"
}
