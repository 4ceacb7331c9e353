import CampaignDomain
import Contracts
import EventLog
import GRDB

/// Agents. Passwords arrive here as hashes: hashing them takes far too long for a turn.
extension CampaignStep {
    mutating func createAgent(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        if let known = try CampaignTables.agents.load(id, in: turn), known.state.customer == request.customerID {
            return known.state.resource
        }
        let events = try Agent.create(
            id: id,
            customer: request.customerID,
            body: try RequestBody(request.params["body"]),
            passwordHash: try request.params.requireString("password_hash"),
            by: try Actor(named: request.actor, in: try db)
        )
        if case .created(let new)? = events.first { try requireFree(username: new.username) }
        return try record(events, on: id, nil, context).state.resource
    }

    mutating func changeAgent(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let actor = try Actor(named: request.actor, in: try db)
        // Whoever may change nobody learns nothing of who there is.
        try actor.requireManager(orAgent: try request.params.requireID("id"))
        let loaded = try requireOwn(CampaignTables.agents, request, "agent", "AGENT_NOT_FOUND") {
            ($0.customer, $0.deletedAt)
        }
        let body = try RequestBody(request.params["body"])
        let agent = loaded.state
        let events: [AgentEvent]
        switch request.method {
        case "agent.addresses": events = try agent.update(body: body, fields: ["addresses"], by: actor)
        case "agent.tag_ids": events = try agent.update(body: body, fields: ["tag_ids"], by: actor)
        case "agent.status": events = try agent.setStatus(body: body, by: actor)
        case "agent.permission":
            events = try agent.setPermission(
                body: body,
                by: actor,
                otherAdmins: try otherAdmins(than: agent),
                otherSuperAdmins: try otherSuperAdmins(than: agent)
            )
        case "agent.password":
            events = try agent.setPassword(hash: try request.params.requireString("password_hash"), by: actor)
        case "agent.delete":
            events = try agent.delete(
                by: actor,
                otherAdmins: try otherAdmins(than: agent),
                otherSuperAdmins: try otherSuperAdmins(than: agent)
            )
        default: events = try agent.update(body: body, by: actor)
        }
        return try record(events, on: loaded.id, loaded, context).state.resource
    }

    private func otherAdmins(than agent: Agent) throws -> Int {
        guard agent.isAdmin else { return 0 }
        return try CampaignTables.agents.fetch("WHERE customer_id = ?", [agent.customer], in: db)
            .count { $0.id != agent.id && $0.state.isAdmin && $0.state.deletedAt == nil }
    }

    /// Of the whole installation; looked for only where it matters.
    private func otherSuperAdmins(than agent: Agent) throws -> Int {
        guard agent.permission.contains(.projectSuperAdmin) else { return 0 }
        return try CampaignTables.agents.fetch(
            "WHERE is_deleted = 0 AND json_extract(state, '$.permission') & 1 AND id <> ?",
            [agent.id],
            in: db
        ).count
    }

    /// The aggregate that the request names: the customer's own, and not deleted.
    func requireOwn<A: Aggregate>(
        _ table: AggregateTable<A>,
        _ request: Request,
        _ noun: String,
        _ reason: String,
        _ ownership: (A) -> (customer: ID, deletedAt: Timestamp?)
    ) throws -> AggregateTable<A>.Loaded {
        let id = try request.params.requireID("id")
        if let loaded = try table.load(id, in: turn) {
            let (customer, deletedAt) = ownership(loaded.state)
            if customer == request.customerID, deletedAt == nil { return loaded }
        }
        throw Refusal.notFound(reason, "there is no \(noun) \(id)")
    }
}
