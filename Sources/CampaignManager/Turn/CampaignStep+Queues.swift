import CampaignDomain
import Contracts
import EventLog
import GRDB

/// Queues and flows, and what refers to them.
extension CampaignStep {
    mutating func performQueue(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let body = try RequestBody(request.params["body"])
        let current: AggregateTable<Queue>.Loaded?
        let events: [QueueEvent]
        let id = try request.params.requireID("id")
        if request.method == "queue.create" {
            if let known = try CampaignTables.queues.load(id, in: turn), known.state.customer == request.customerID {
                return try CampaignReads.resource(of: known.state, db)
            }
            current = nil
            events = try Queue.create(id: id, customer: request.customerID, body: body)
        } else {
            let loaded = try requireOwn(CampaignTables.queues, request, "queue", "QUEUE_NOT_FOUND") {
                ($0.customer, $0.deletedAt)
            }
            current = loaded
            events = try changes(of: loaded.state, request, body)
        }
        switch events.first {
        case .created(_, _, let settings), .updated(let settings):
            if settings.waitFlow != current?.state.settings.waitFlow {
                try requireFlow(settings.waitFlow, of: request.customerID, field: "wait_flow_id")
            }
        default: break
        }
        let updated = try CampaignTables.queues.record(events, on: id, current: current, context: context, in: turn)
        if !events.isEmpty {
            memory.roster.forget(updated.state)
            waitingQueues.insert(id)
            capacityChanged = true
            if updated.state.deletedAt != nil { try emptyQueue(updated.state, context) }
        }
        return try CampaignReads.resource(of: updated.state, db)
    }

    private func changes(of queue: Queue, _ request: Request, _ body: RequestBody) throws -> [QueueEvent] {
        switch request.method {
        case "queue.tag_ids": return try queue.update(body: body, part: .tags)
        case "queue.routing_method": return try queue.update(body: body, part: .routingMethod)
        case "queue.direct_hash":
            return queue.changeDirectHash(to: try request.params.requireString("direct_hash"))
        case "queue.delete": return try queue.delete(usedBy: try activeCampaign { $0.queue == queue.id })
        default: return try queue.update(body: body)
        }
    }

    mutating func performFlow(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let body = try RequestBody(request.params["body"])
        let current: AggregateTable<Flow>.Loaded?
        let events: [FlowEvent]
        let id = try request.params.requireID("id")
        if request.method == "flow.create" {
            if let known = try CampaignTables.flows.load(id, in: turn), known.state.customer == request.customerID {
                return known.state.json
            }
            current = nil
            events = try Flow.create(id: id, customer: request.customerID, body: body)
        } else {
            let loaded = try requireOwn(CampaignTables.flows, request, "flow", "FLOW_NOT_FOUND") {
                ($0.customer, $0.deletedAt)
            }
            current = loaded
            events =
                request.method == "flow.delete"
                ? try loaded.state.delete(usedBy: try activeCampaign(withFlow: id))
                : try loaded.state.update(body: body)
        }
        switch events.first {
        case .created(_, _, let settings), .updated(let settings):
            if settings.onComplete != current?.state.settings.onComplete {
                try requireFlow(settings.onComplete, of: request.customerID, field: "on_complete_flow_id")
            }
            if settings.actions != current?.state.settings.actions {
                try checkSize(of: settings.actions, flow: id, customer: request.customerID)
            }
        default: break
        }
        if !events.isEmpty { memory.programs.forget(flow: id) }
        return try CampaignTables.flows.record(events, on: id, current: current, context: context, in: turn).state.json
    }

    // MARK: - References

    /// Throws unless `id` is nil or a queue of the customer.
    func requireQueue(_ id: ID, of customer: ID, field: String) throws {
        guard !id.isNone else { return }
        let found = try CampaignTables.queues.load(id, in: turn)?.state
        guard found?.customer == customer, found?.deletedAt == nil else {
            throw Refusal.invalid(field, "names a queue that does not exist: \(id)")
        }
    }

    /// Throws unless `id` is nil or a flow of the customer.
    func requireFlow(_ id: ID, of customer: ID, field: String) throws {
        guard !id.isNone else { return }
        let found = try CampaignTables.flows.load(id, in: turn)?.state
        guard found?.customer == customer, found?.deletedAt == nil else {
            throw Refusal.invalid(field, "names a flow that does not exist: \(id)")
        }
    }

    /// A campaign that is not stopped and has `flow` run on its calls, or on those that wait in its queue.
    private func activeCampaign(withFlow flow: ID) throws -> ID? {
        try CampaignTables.campaigns.fetch("INDEXED BY campaign_active WHERE status <> 'stop'", [], in: db).first {
            if $0.state.settings.flow == flow { return true }
            guard !$0.state.settings.queue.isNone else { return false }
            return try CampaignTables.queues.load($0.state.settings.queue, in: turn)?.state.settings.waitFlow == flow
        }?.id
    }

    /// A campaign that is not stopped and whose settings are as `uses` says.
    private func activeCampaign(_ uses: (CampaignSettings) -> Bool) throws -> ID? {
        try CampaignTables.campaigns.fetch("INDEXED BY campaign_active WHERE status <> 'stop'", [], in: db)
            .first { uses($0.state.settings) }?.id
    }
}
