import CampaignDomain
import Contracts
import EventLog
import GRDB
import Service

/// Agents, queues, flows, calls and the installation's own settings.
extension CampaignReads {
    func performPeople(_ request: Request, _ page: PageRequest, _ db: Database) throws -> JSONValue {
        switch request.method {
        case "agent.get":
            try Actor(named: request.actor, in: db).requireManager(orAgent: try request.params.requireID("id"))
            return try find(CampaignTables.agents, request, "agent", "AGENT_NOT_FOUND", db) {
                ($0.customer, $0.deletedAt)
            }.resource
        case "agent.list":
            var condition = try Condition.named(request)
            condition.add(tags: try Condition.tags(request.params))
            return try agents(condition, request, page, db)
        case "queue.get":
            let queue = try find(CampaignTables.queues, request, "queue", "QUEUE_NOT_FOUND", db) {
                ($0.customer, $0.deletedAt)
            }
            return try CampaignReads.resource(of: queue, db)
        case "queue.list":
            return try list(CampaignTables.queues, request, page, db).json { try CampaignReads.resource(of: $0, db) }
        case "queue.agents":
            let queue = try find(CampaignTables.queues, request, "queue", "QUEUE_NOT_FOUND", db) {
                ($0.customer, $0.deletedAt)
            }
            var condition = Condition(customer: request.customerID)
            condition.add(tags: queue.settings.tags)
            return try agents(condition, request, page, db)
        case "queuecall.get":
            return try find(CampaignTables.queuecalls, request, "queuecall", "QUEUECALL_NOT_FOUND", db) {
                ($0.new.customer, nil)
            }.resource
        case "queuecall.list": return try queuecalls(request, page, db)
        case "flow.get":
            return try find(CampaignTables.flows, request, "flow", "FLOW_NOT_FOUND", db) {
                ($0.customer, $0.deletedAt)
            }.json
        case "flow.list": return try list(CampaignTables.flows, request, page, db).json(\.json)
        case "activeflow.get":
            return try find(CampaignTables.activeflows, request, "activeflow", "ACTIVEFLOW_NOT_FOUND", db) {
                ($0.customer, nil)
            }.resource
        case "activeflow.list": return try activeflows(request, page, db)
        case "call.get": return try call(request, db).callResource
        case "call.list":
            return try Page(
                of: CampaignTables.calls,
                where: "customer_id = ? AND bucket <> 'not_dialed' AND call_id <> ?",
                [request.customerID, ID.none],
                page,
                in: db
            ).json(\.callResource)
        case "system.get": return try (CampaignTables.system.load(System.id, in: db)?.state ?? .initial).json
        default: throw Refusal(.unknown, "METHOD_UNKNOWN", "campaign-manager does not know \(request.method)")
        }
    }

    private func list<A: Aggregate>(
        _ table: AggregateTable<A>,
        _ request: Request,
        _ page: PageRequest,
        _ db: Database
    ) throws -> Page<A> {
        let condition = try Condition.named(request)
        return try Page(of: table, where: condition.sql, condition.arguments, page, in: db)
    }

    /// The agents for whom `condition` holds, and who have the status that the request asks for, if it does.
    private func agents(
        _ condition: Condition,
        _ request: Request,
        _ page: PageRequest,
        _ db: Database
    ) throws -> JSONValue {
        var condition = condition
        if let word = request.params["filter"]["status"].string {
            guard let status = Agent.Status(rawValue: word) else {
                let words = Agent.Status.allCases.map(\.rawValue).joined(separator: ", ")
                throw Refusal.invalid("status", "must be one of \(words), not \"\(word)\"")
            }
            condition.add("coalesce(json_extract(state, '$.status'), 'available') = ?", [status.rawValue])
        }
        return try Page(of: CampaignTables.agents, where: condition.sql, condition.arguments, page, in: db)
            .json(\.resource)
    }

    /// The campaigncall whose call the request names: the customer's own, and placed.
    private func call(_ request: Request, _ db: Database) throws -> Campaigncall {
        let id = try request.params.requireID("id")
        let found = try CampaignReads.call(id, of: request.customerID, in: db)?.state
        guard let found, found.deletedAt == nil || request.params["deleted"].bool == true else {
            throw CampaignReads.noCall(id)
        }
        return found
    }

    /// The campaigncall with the call `id`; attempts that were never placed have none.
    static func call(_ id: ID, of customer: ID, in db: Database) throws -> AggregateTable<Campaigncall>.Loaded? {
        let found = try CampaignTables.calls.fetch("WHERE call_id = ? LIMIT 1", [id], in: db).first
        guard let found, found.state.assignment.customer == customer, !found.state.wasNotDialed else { return nil }
        return found
    }

    static func noCall(_ id: ID) -> Refusal { .notFound("CALL_NOT_FOUND", "there is no call \(id)") }
}

/// What rows have to fulfil, as a part of a SELECT.
private struct Condition {
    private(set) var sql: String
    private(set) var arguments: StatementArguments

    init(customer: ID) {
        sql = "customer_id = ?"
        arguments = [customer]
    }

    /// The customer's own, with the `name` that the request asks for in theirs.
    static func named(_ request: Request) throws -> Condition {
        var condition = Condition(customer: request.customerID)
        if let name = request.params["filter"]["name"].string {
            condition.add("instr(json_extract(state, '$.name'), ?) > 0", [name])
        }
        return condition
    }

    /// The ids that `tag_ids` lists, with commas between them.
    static func tags(_ params: JSONValue) throws -> [ID] {
        try (params["filter"]["tag_ids"].string ?? "").split(separator: ",").map { text in
            guard let tag = ID(text.filter { $0 != " " }) else {
                throw Refusal.invalid("tag_ids", "must be UUIDs with commas between them")
            }
            return tag
        }
    }

    mutating func add(_ condition: String, _ values: StatementArguments) {
        sql += " AND \(condition)"
        arguments += values
    }

    /// Rows with one of these tags; any row when there are none.
    mutating func add(tags: [ID]) {
        guard !tags.isEmpty else { return }
        let marks = tags.map { _ in "?" }.joined(separator: ", ")
        add(
            "EXISTS (SELECT 1 FROM json_each(state, '$.tag_ids') WHERE value IN (\(marks)))",
            StatementArguments(tags.map(\.description))
        )
    }
}
