import CampaignDomain
package import Contracts
package import EventLog
package import GRDB

/// How many callers of a queue are where, kept by triggers beside the queuecalls.
package struct QueueCounts: Hashable, Sendable {
    package var waiting: Int64 = 0
    package var connecting: Int64 = 0
    package var service: Int64 = 0
    package var done: Int64 = 0
    package var abandoned: Int64 = 0

    package var incoming: Int64 { waiting + connecting + service + done + abandoned }
    package var serviced: Int64 { service + done }

    package init(queue: ID, in db: Database) throws {
        let statement = try db.cachedStatement(sql: "SELECT status, calls FROM queue_count WHERE queue_id = ?")
        let rows = try Row.fetchCursor(statement, arguments: [queue])
        while let row = try rows.next() {
            let count: Int64 = row[1]
            switch Queuecall.Status(rawValue: row[0]) {
            case .initiating, .waiting: waiting += count
            case .connecting: connecting = count
            case .service: service = count
            case .done: done = count
            case .abandoned: abandoned = count
            case nil: break
            }
        }
    }

    /// The calls that may still need an agent of `queue`: those of its campaigns that have not come to a queue yet, and
    /// the callers in it whom nobody is rung for.
    package static func needing(_ queue: ID, in db: Database) throws -> Int64 {
        let statement = try db.cachedStatement(sql: "SELECT calls FROM queue_need WHERE queue_id = ?")
        let coming = try Int64.fetchOne(statement, arguments: [queue]) ?? 0
        return try coming + QueueCounts(queue: queue, in: db).waiting
    }

    /// Tables and the triggers that keep them, so that counts and rows cannot differ.
    static let schema = [
        "CREATE TABLE queue_need(queue_id BLOB PRIMARY KEY, calls INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        """
        CREATE TABLE queue_count(
            queue_id BLOB NOT NULL, status TEXT NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (queue_id, status)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE campaign_service(
            campaign_id BLOB PRIMARY KEY, incoming INTEGER NOT NULL, serviced INTEGER NOT NULL,
            abandoned INTEGER NOT NULL, waiting INTEGER NOT NULL, agent_idle INTEGER NOT NULL,
            ringing INTEGER NOT NULL, talking INTEGER NOT NULL, wrap_up INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TRIGGER need_counted AFTER INSERT ON campaigncall WHEN NEW.needed_queue_id IS NOT NULL BEGIN
            INSERT INTO queue_need VALUES (NEW.needed_queue_id, 1) ON CONFLICT DO UPDATE SET calls = calls + 1;
        END
        """,
        """
        CREATE TRIGGER need_recounted AFTER UPDATE OF needed_queue_id ON campaigncall
        WHEN OLD.needed_queue_id IS NOT NEW.needed_queue_id BEGIN
            UPDATE queue_need SET calls = calls - 1 WHERE queue_id = OLD.needed_queue_id;
            INSERT INTO queue_need SELECT NEW.needed_queue_id, 1 WHERE NEW.needed_queue_id IS NOT NULL
                ON CONFLICT DO UPDATE SET calls = calls + 1;
        END
        """,
        """
        CREATE TRIGGER queuecall_counted AFTER INSERT ON queuecall BEGIN
            INSERT INTO queue_count VALUES (NEW.queue_id, NEW.status, 1)
                ON CONFLICT DO UPDATE SET calls = calls + 1;
            INSERT INTO campaign_service VALUES (
                NEW.campaign_id, 1, NEW.status IN ('service', 'done'), NEW.status = 'abandoned', NEW.waiting,
                NEW.agent_idle, NEW.ringing, NEW.talking, NEW.wrap_up
            ) ON CONFLICT DO UPDATE SET
                incoming = incoming + 1, serviced = serviced + excluded.serviced,
                abandoned = abandoned + excluded.abandoned, waiting = waiting + excluded.waiting,
                agent_idle = agent_idle + excluded.agent_idle, ringing = ringing + excluded.ringing,
                talking = talking + excluded.talking, wrap_up = wrap_up + excluded.wrap_up;
        END
        """,
        """
        CREATE TRIGGER queuecall_recounted AFTER UPDATE OF status ON queuecall WHEN OLD.status <> NEW.status BEGIN
            UPDATE queue_count SET calls = calls - 1 WHERE queue_id = OLD.queue_id AND status = OLD.status;
            INSERT INTO queue_count VALUES (NEW.queue_id, NEW.status, 1)
                ON CONFLICT DO UPDATE SET calls = calls + 1;
            UPDATE campaign_service SET
                serviced = serviced + (NEW.status IN ('service', 'done')) - (OLD.status IN ('service', 'done')),
                abandoned = abandoned + (NEW.status = 'abandoned') - (OLD.status = 'abandoned'),
                waiting = waiting + NEW.waiting - OLD.waiting,
                agent_idle = agent_idle + NEW.agent_idle - OLD.agent_idle,
                ringing = ringing + NEW.ringing - OLD.ringing,
                talking = talking + NEW.talking - OLD.talking,
                wrap_up = wrap_up + NEW.wrap_up - OLD.wrap_up
                WHERE campaign_id = NEW.campaign_id;
        END
        """,
    ]
}

/// What became of the callers of one campaign who came to a queue, in sums of milliseconds.
package struct CampaignService: Hashable, Sendable {
    package var incoming: Int64 = 0
    package var serviced: Int64 = 0
    package var abandoned: Int64 = 0
    package var waiting: Int64 = 0
    package var agentIdle: Int64 = 0
    package var ringing: Int64 = 0
    package var talking: Int64 = 0
    package var wrapUp: Int64 = 0

    package init(campaign: ID, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                SELECT incoming, serviced, abandoned, waiting, agent_idle, ringing, talking, wrap_up
                FROM campaign_service WHERE campaign_id = ?
                """
        )
        guard let row = try Row.fetchOne(statement, arguments: [campaign]) else { return }
        incoming = row[0]
        serviced = row[1]
        abandoned = row[2]
        waiting = row[3]
        agentIdle = row[4]
        ringing = row[5]
        talking = row[6]
        wrapUp = row[7]
    }

    /// `abandoned / (abandoned + serviced)`: of those who wanted an agent and are not waiting any more, those who got
    /// none; null before the first.
    package var abandonRate: JSONValue { CampaignService.ratio(abandoned, abandoned + serviced) }

    /// For how many milliseconds the agents who took its calls had been available before, on average; null before the
    /// first.
    package var meanAgentWait: JSONValue { serviced > 0 ? .integer(agentIdle / serviced) : .null }

    /// `(talk + wrap-up) / (available + ringing + talk + wrap-up)` of the agents who took its calls, each from the end of
    /// what they did before to the end of the call's wrap-up; null before the first talk is over.
    package var agentUse: JSONValue {
        let busy = talking + wrapUp
        return busy > 0 ? CampaignService.ratio(busy, busy + agentIdle + ringing) : .null
    }

    /// Rounded to four digits; null when `whole` is 0.
    static func ratio(_ part: Int64, _ whole: Int64) -> JSONValue {
        whole > 0 ? .double((Double(part) / Double(whole) * 10_000).rounded() / 10_000) : .null
    }
}

/// The counts against the rows that they count.
package let queueCountCheck = CountCheck(
    "queue_count",
    sql: """
        SELECT 'queue ' || hex(queue_id) || ' needed', sum(counted), sum(kept) FROM (
            SELECT needed_queue_id AS queue_id, 1 AS counted, 0 AS kept FROM campaigncall
                WHERE needed_queue_id IS NOT NULL
            UNION ALL SELECT queue_id, 0, calls FROM queue_need
        ) GROUP BY queue_id HAVING sum(counted) <> sum(kept)
        UNION ALL
        SELECT 'queue ' || hex(queue_id) || ' ' || status, sum(counted), sum(kept) FROM (
            SELECT queue_id, status, 1 AS counted, 0 AS kept FROM queuecall
            UNION ALL SELECT queue_id, status, 0, calls FROM queue_count
        ) GROUP BY queue_id, status HAVING sum(counted) <> sum(kept)
        UNION ALL
        SELECT 'campaign ' || hex(campaign_id) || ' ' || what, sum(counted), sum(kept) FROM (
            \(serviceSums)
        ) GROUP BY campaign_id, what HAVING sum(counted) <> sum(kept)
        """
) { what, counted, kept in
    "\(what): the rows say \(counted), the count \(kept)"
}

private let serviceSums = [
    ("incoming", "1"), ("serviced", "status IN ('service', 'done')"), ("abandoned", "status = 'abandoned'"),
    ("waiting", "waiting"), ("agent_idle", "agent_idle"), ("ringing", "ringing"), ("talking", "talking"),
    ("wrap_up", "wrap_up"),
].map { name, sum in
    """
    SELECT campaign_id, '\(name)' AS what, \(sum) AS counted, 0 AS kept FROM queuecall
    UNION ALL SELECT campaign_id, '\(name)', 0, \(name) FROM campaign_service
    """
}.joined(separator: " UNION ALL ")
