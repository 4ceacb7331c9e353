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
        let body = try RequestBody(request.params["body"])
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
        let events: [CustomerEvent]
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
        ).state
        if updated.profile.minimumInterval != loaded.state.profile.minimumInterval {
            try tellPlans(of: loaded.id, context)
        }
        return updated.resource
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
