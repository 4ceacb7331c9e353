import CampaignDomain
import Contracts
import EventLog
import GRDB

/// Customers, agents and access keys. Passwords arrive here as hashes: hashing them takes far too long for a turn.
extension CampaignStep {
    mutating func performAccount(_ request: Request, _ context: EventContext) throws -> JSONValue {
        switch request.method {
        case "account.create": return try createAccount(request, context)
        case "accesskey.create": return try createAccessKey(request, context)
        case "accesskey.update", "accesskey.delete": return try changeAccessKey(request, context)
        case "agent.create": return try createAgent(request, context)
        case "agent.update", "agent.addresses", "agent.tag_ids", "agent.status", "agent.permission", "agent.password",
            "agent.delete":
            return try changeAgent(request, context)
        case "queue.create", "queue.update", "queue.tag_ids", "queue.routing_method", "queue.direct_hash",
            "queue.delete":
            return try performQueue(request, context)
        case "queuecall.kick": return try kick(request, context)
        case "flow.create", "flow.update", "flow.delete": return try performFlow(request, context)
        case "customer.update", "customer.dialing", "customer.webhook_secret", "system.dialing":
            return try performDialing(request, context)
        case "activeflow.stop": return try stopActiveflow(request, context)
        case "call.hangup": return try hangUp(request, context)
        default: throw Refusal(.unknown, "METHOD_UNKNOWN", "campaign-manager does not know \(request.method)")
        }
    }

    /// Makes a customer with its first agent and first access key, or what is missing of them; harmless to repeat.
    private mutating func createAccount(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let params = request.params
        let (customer, agent) = (try params.requireID("customer_id"), try params.requireID("agent_id"))
        let key = try params.requireID("accesskey_id")
        let username = try params.requireString("username")
        let permission = Permission(rawValue: try params.requireInteger("permission"))
        let created = try Customer.create(id: customer, body: try RequestBody(params["body"]))
        if try CampaignTables.agents.load(agent, in: turn) == nil { try requireFree(username: username) }
        if try CampaignTables.customers.load(customer, in: turn) == nil {
            let loaded = try CampaignTables.customers.record(
                created,
                on: customer,
                current: nil,
                context: context,
                in: turn
            )
            // The customer shows it to itself with POST /customer/webhook_secret.
            let secret = loaded.state.needWebhookSecret(params["webhook_secret"].string ?? "")
            if !secret.isEmpty {
                _ = try CampaignTables.customers.record(
                    secret,
                    on: customer,
                    current: loaded,
                    context: context,
                    in: turn
                )
                effects.append(.webhooksChanged)
            }
        }
        if try CampaignTables.agents.load(agent, in: turn) == nil {
            let events = Agent.createFirst(
                id: agent,
                customer: customer,
                username: username,
                passwordHash: try params.requireString("password_hash"),
                permission: permission
            )
            _ = try CampaignTables.agents.record(events, on: agent, current: nil, context: context, in: turn)
        }
        if try CampaignTables.accessKeys.load(key, in: turn) == nil {
            let events = try AccessKey.create(
                id: key,
                customer: customer,
                body: try RequestBody(["name": "first key"]),
                tokenHash: try params.requireString("token_hash"),
                tokenPrefix: try params.requireString("token_prefix"),
                permission: permission,
                now: now
            )
            _ = try CampaignTables.accessKeys.record(events, on: key, current: nil, context: context, in: turn)
        }
        return try CampaignReads.account(customer: customer, agent: agent, key: key, db)
    }

    /// User names are unique over the whole installation: a login names nothing else. Those of deleted agents are free.
    func requireFree(username: String) throws {
        guard try CampaignTables.agents.fetch("WHERE username = ?", [username], in: db).isEmpty else {
            throw Refusal(.alreadyExists, "USERNAME_TAKEN", "username \"\(username)\" is taken; choose another")
        }
    }

    private mutating func createAccessKey(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        if let known = try CampaignTables.accessKeys.load(id, in: turn), known.state.customer == request.customerID {
            return known.state.resource
        }
        let events = try AccessKey.create(
            id: id,
            customer: request.customerID,
            body: try RequestBody(request.params["body"]),
            tokenHash: try request.params.requireString("token_hash"),
            tokenPrefix: try request.params.requireString("token_prefix"),
            permission: .customerAdmin,
            now: now
        )
        return try CampaignTables.accessKeys.record(events, on: id, current: nil, context: context, in: turn).state
            .resource
    }

    private mutating func changeAccessKey(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        guard let loaded = try CampaignTables.accessKeys.load(id, in: turn),
            loaded.state.customer == request.customerID,
            loaded.state.deletedAt == nil
        else { throw Refusal.notFound("RESOURCE_NOT_FOUND", "there is no access key \(id)") }
        let events =
            request.method == "accesskey.delete"
            ? loaded.state.delete() : try loaded.state.update(body: try RequestBody(request.params["body"]))
        return try CampaignTables.accessKeys.record(events, on: id, current: loaded, context: context, in: turn).state
            .resource
    }
}
