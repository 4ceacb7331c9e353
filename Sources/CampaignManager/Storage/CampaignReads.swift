package import CampaignDomain
package import Contracts
package import EventLog
import GRDB
import Service

/// The requests that change nothing, answered from a read-only connection beside the writer.
package struct CampaignReads: Sendable {
    let log: LogReader
    let clock: @Sendable () -> Timestamp

    package init(log: LogReader, clock: @escaping @Sendable () -> Timestamp) {
        self.log = log
        self.clock = clock
    }

    package static let methods: Set<String> = [
        "campaign.get", "campaign.list", "campaigncall.get", "campaigncall.list", "outplan.get", "outplan.list",
        "campaigncall.last", "campaigncall.changes", "customer.get", "customer.list", "accesskey.get", "accesskey.list",
        "identity.resolve", "identity.me", "agent.get", "agent.list", "queue.get", "queue.list", "queue.agents",
        "queuecall.get", "queuecall.list", "flow.get", "flow.list", "activeflow.get", "activeflow.list", "call.get",
        "call.list", "system.get",
    ]

    package func answer(_ request: Request) throws -> Reply {
        try Reply { try log.read { db in try perform(request, db) } }
    }

    private func perform(_ request: Request, _ db: Database) throws -> JSONValue {
        let own = request.customerID
        let page = PageRequest(params: request.params)
        switch request.method {
        case "campaign.get":
            let campaign = try find(CampaignTables.campaigns, request, "campaign", "CAMPAIGN_NOT_FOUND", db) {
                ($0.customer, $0.deletedAt)
            }
            return try CampaignReads.resource(of: campaign, db)
        case "campaign.list":
            return try Page(
                of: CampaignTables.campaigns,
                where: "customer_id = ?",
                [own],
                filter: try campaignFilter(request),
                page,
                in: db
            ).json { try CampaignReads.resource(of: $0, db) }
        case "campaigncall.get":
            return try find(CampaignTables.calls, request, "campaigncall", "CAMPAIGNCALL_NOT_FOUND", db) {
                // Test calls are calls, and no campaigncalls.
                ($0.assignment.isTest ? .none : $0.assignment.customer, $0.deletedAt)
            }.resource
        case "campaigncall.list": return try calls(request, page, db)
        case "campaigncall.last": return try lastCalls(request, db)
        case "campaigncall.changes": return try changes(request, db)
        case "outplan.get":
            return try find(CampaignTables.outplans, request, "outplan", "OUTPLAN_NOT_FOUND", db) {
                ($0.customer, $0.deletedAt)
            }.resource
        case "outplan.list":
            return try Page(
                of: CampaignTables.outplans,
                where: "customer_id = ?",
                [own],
                filter: nameFilter(request),
                page,
                in: db
            ).json(\.resource)
        case "accesskey.get":
            return try find(CampaignTables.accessKeys, request, "access key", "RESOURCE_NOT_FOUND", db) {
                ($0.customer, $0.deletedAt)
            }.resource
        case "accesskey.list":
            return try Page(of: CampaignTables.accessKeys, where: "customer_id = ?", [own], page, in: db).json(
                \.resource
            )
        default: return try performIdentity(request, page, db)
        }
    }

    /// The row that `request` names, if it is the customer's own and not deleted (or deleted ones are asked for).
    func find<A: Aggregate>(
        _ table: AggregateTable<A>,
        _ request: Request,
        _ noun: String,
        _ reason: String,
        _ db: Database,
        _ ownership: (A) -> (customer: ID, deletedAt: Timestamp?)
    ) throws -> A {
        let id = try request.params.requireID("id")
        if let state = try table.load(id, in: db)?.state {
            let (customer, deletedAt) = ownership(state)
            let isVisible = deletedAt == nil || request.params["deleted"].bool == true
            if customer == request.customerID, isVisible { return state }
        }
        throw Refusal.notFound(reason, "there is no \(noun) \(id)")
    }

    /// The public campaign with the part of its progress that this log knows.
    static func resource(of campaign: Campaign, _ db: Database) throws -> JSONValue {
        let counts = try CallCounts(campaign: campaign.id, in: db)
        let service = try CampaignService(campaign: campaign.id, in: db)
        guard case .object(var object) = campaign.resource else { return campaign.resource }
        object.append(
            "progress",
            [
                "calls": .integer(counts.calls), "dialing": .integer(counts.dialing),
                "answered": .integer(counts.answered), "answer_rate": counts.answerRate,
                "queued": .integer(service.incoming), "serviced": .integer(service.serviced),
                "abandoned": .integer(service.abandoned), "abandon_rate": service.abandonRate,
                "agent_wait_ms": service.meanAgentWait, "agent_use": service.agentUse,
            ]
        )
        return .object(object)
    }
}

// MARK: - Identities

extension CampaignReads {
    private func performIdentity(_ request: Request, _ page: PageRequest, _ db: Database) throws -> JSONValue {
        switch request.method {
        case "customer.list":
            return try Page(of: CampaignTables.customers, where: "1", [], page, in: db).json(\.resource)
        case "customer.get":
            let id = request.params["id"].id ?? request.customerID
            guard let customer = try CampaignTables.customers.load(id, in: db)?.state else {
                throw Refusal.notFound("RESOURCE_NOT_FOUND", "there is no customer \(id)")
            }
            return customer.resource
        case "identity.resolve": return try resolve(request.params, db)
        case "identity.me": return try caller(request.actor, db)
        default: return try performPeople(request, page, db)
        }
    }

    /// Who an agent id or the hash of an access key stands for, as they are now.
    ///
    /// A session of an agent is the one that `session` says; absent is the first one, 0, as in tokens of earlier versions.
    private func resolve(_ params: JSONValue, _ db: Database) throws -> JSONValue {
        if let hash = params["token_hash"].string {
            let key = try CampaignTables.accessKeys.fetch("WHERE token_hash = ?", [hash], in: db).first?.state
            return try identity(of: key)
        }
        let agent = try params["agent_id"].id.flatMap { try CampaignTables.agents.load($0, in: db)?.state }
        guard let agent, agent.session == params["session"].integer ?? 0 else { throw CampaignReads.unknownIdentity }
        guard case .object(var identity) = try identity(of: agent) else { throw CampaignReads.unknownIdentity }
        identity.append("session", .integer(agent.session))
        return .object(identity)
    }

    private func identity(of agent: Agent?) throws -> JSONValue {
        guard let agent, agent.deletedAt == nil else { throw CampaignReads.unknownIdentity }
        return [
            "kind": "agent", "id": .id(agent.id), "customer_id": .id(agent.customer),
            "permission": .integer(agent.permission.rawValue), "agent": agent.resource,
        ]
    }

    /// Who asks, by the name that the gateway gives them: `agent:<id>` or `accesskey:<id>`.
    private func caller(_ actor: String, _ db: Database) throws -> JSONValue {
        let parts = actor.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let id = ID(parts[1]) else { throw CampaignReads.unknownIdentity }
        guard parts[0] == "accesskey" else {
            return try identity(of: try CampaignTables.agents.load(id, in: db)?.state)
        }
        return try identity(of: try CampaignTables.accessKeys.load(id, in: db)?.state)
    }

    private func identity(of key: AccessKey?) throws -> JSONValue {
        guard let key, key.isValid(at: clock()) else { throw CampaignReads.unknownIdentity }
        return [
            "kind": "accesskey", "id": .id(key.id), "customer_id": .id(key.customer),
            "permission": .integer(key.permission.rawValue), "tm_expire": .optional(key.expiresAt),
            "accesskey": key.resource,
        ]
    }

    private static let unknownIdentity = Refusal(
        .unauthenticated,
        "INVALID_CREDENTIALS",
        "the access key or token is not valid (any more)"
    )

    /// Who makes a request, as they are now.
    func actor(of request: Request) throws -> Actor { try log.read { try Actor(named: request.actor, in: $0) } }

    /// The agent who logs in with `username`, if there is one.
    package func agent(username: String) throws -> Agent? {
        try log.read { db in
            try CampaignTables.agents.fetch("WHERE username = ?", [username], in: db).first?.state
        }
    }

    static func account(customer: ID, agent: ID, key: ID, _ db: Database) throws -> JSONValue {
        [
            "customer": try CampaignTables.customers.load(customer, in: db)?.state.resource ?? .null,
            "agent": try CampaignTables.agents.load(agent, in: db)?.state.resource ?? .null,
            "accesskey": try CampaignTables.accessKeys.load(key, in: db)?.state.resource ?? .null,
        ]
    }
}
