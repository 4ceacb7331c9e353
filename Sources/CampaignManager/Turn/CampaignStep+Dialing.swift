import CampaignDomain
import Contracts
import EventLog
import GRDB

/// The switches that hold back all dialing, of one customer or of the installation, and the end of single calls.
extension CampaignStep {
    /// Whether new calls may be placed for `customer`.
    func isDialingEnabled(for customer: ID) throws -> Bool {
        guard try CampaignTables.system.load(System.id, in: turn)?.state.isDialingEnabled ?? true else { return false }
        return try CampaignTables.customers.load(customer, in: turn)?.state.isDialingEnabled ?? true
    }

    mutating func performDialing(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let isRenewal = request.method == "customer.webhook_secret"
        let body = try RequestBody(isRenewal ? [:] : request.params["body"])
        if request.method == "system.dialing" {
            let current = try CampaignTables.system.load(System.id, in: turn)
            let events = try (current?.state ?? .initial).switchDialing(body: body)
            guard !events.isEmpty else { return (current?.state ?? .initial).json }
            dialingMayResume()
            return try CampaignTables.system.record(
                events,
                on: System.id,
                current: current,
                context: context,
                in: turn
            ).state.json
        }
        guard let loaded = try CampaignTables.customers.load(request.customerID, in: turn) else {
            throw Refusal.notFound("RESOURCE_NOT_FOUND", "there is no customer \(request.customerID)")
        }
        var events: [CustomerEvent]
        if isRenewal { return try renewWebhookSecret(of: loaded, request, context) }
        if request.method == "customer.dialing" {
            events = try loaded.state.switchDialing(body: body)
            if !events.isEmpty { dialingMayResume() }
        } else {
            events = try loaded.state.update(body: body)
        }
        let updated = try CampaignTables.customers.record(
            events,
            on: loaded.id,
            current: loaded,
            context: context,
            in: turn
        )
        if updated.state.profile != loaded.state.profile { effects.append(.webhooksChanged) }
        if updated.state.profile.minimumInterval != loaded.state.profile.minimumInterval {
            try tellPlans(of: loaded.id, context)
        }
        events = updated.state.needWebhookSecret(request.params["webhook_secret"].string ?? "")
        guard !events.isEmpty else { return updated.state.resource }
        return try renewWebhookSecret(of: updated, request, context)
    }

    /// Answers with the customer and, this once, the secret.
    private mutating func renewWebhookSecret(
        of customer: AggregateTable<Customer>.Loaded,
        _ request: Request,
        _ context: EventContext
    ) throws -> JSONValue {
        let secret = try request.params.requireString("webhook_secret")
        let updated = try CampaignTables.customers.record(
            customer.state.renewWebhookSecret(secret),
            on: customer.id,
            current: customer,
            context: context,
            in: turn
        )
        effects.append(.webhooksChanged)
        guard case .object(var object) = updated.state.resource else { return updated.state.resource }
        object.append("webhook_secret", .string(secret))
        return .object(object)
    }

    /// Has every running campaign ask for targets again, also those that got none because their leases were given back.
    private mutating func dialingMayResume() {
        memory.wishing.removeAll()
        capacityChanged = true
    }

    /// Tells the worker that holds the call to end it; answers with the call as it is now.
    mutating func hangUp(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        guard let found = try CampaignReads.call(id, of: request.customerID, in: try db),
            found.state.deletedAt == nil, let loaded = try CampaignTables.calls.load(found.id, in: turn)
        else { throw CampaignReads.noCall(id) }
        return try record(try loaded.state.requestHangup(), on: loaded, context).state.callResource
    }
}
