import CampaignDomain
import Contracts
import EventLog
import GRDB
import Service

/// Queues with those who wait in them, and queuecalls.
extension CampaignReads {
    /// The public queue with its callers and its counts.
    static func resource(of queue: Queue, _ db: Database) throws -> JSONValue {
        guard case .object(var object) = queue.resource else { return queue.resource }
        let counts = try QueueCounts(queue: queue.id, in: db)
        let waiting = try open(queue.id, "IN ('waiting', 'connecting')", db)
        object.append("wait_queuecall_ids", .array(waiting))
        object.append("service_queuecall_ids", .array(try open(queue.id, "= 'service'", db)))
        object.append("total_incoming_count", .integer(counts.incoming))
        object.append("total_serviced_count", .integer(counts.serviced))
        object.append("total_abandoned_count", .integer(counts.abandoned))
        return .object(object)
    }

    /// The open queuecalls of one queue, those who came first first.
    private static func open(_ queue: ID, _ status: String, _ db: Database) throws -> [JSONValue] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT id FROM queuecall INDEXED BY queuecall_open
                WHERE queue_id = ? AND status \(status) AND status IN ('waiting', 'connecting', 'service')
                ORDER BY created_at
                """
        )
        return try ID.fetchAll(statement, arguments: [queue]).map { .id($0) }
    }

    func queuecalls(_ request: Request, _ page: PageRequest, _ db: Database) throws -> JSONValue {
        let query = ListQuery(params: request.params)
        var filter = ListFilter()
        let statuses = ["waiting", "connecting", "service", "done", "abandoned"]
        filter.require("status", is: try query.word("status", statuses))
        filter.from = try query.time("from")
        filter.before = try query.time("to")
        let (queue, campaign) = (try query.id("queue_id"), try query.id("campaign_id"))
        var (list, owner) = ("customer_id = ?", request.customerID)
        // The plus keeps the index on customers out: the one on queues or campaigns is to be walked.
        if let queue {
            (list, owner) = ("queue_id = ?", queue)
            filter.require("+customer_id", is: request.customerID)
            filter.require("+campaign_id", is: campaign)
        } else if let campaign {
            (list, owner) = ("campaign_id = ?", campaign)
            filter.require("+customer_id", is: request.customerID)
        }
        return try Page(of: CampaignTables.queuecalls, where: list, [owner], filter: filter, page, in: db)
            .json(\.resource)
    }
}
