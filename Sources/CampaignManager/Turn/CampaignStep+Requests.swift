import CampaignDomain
import Contracts
import EventLog
import GRDB

/// The requests that change something.
extension CampaignStep {
    mutating func perform(_ request: Request) throws -> JSONValue {
        let context = EventContext(correlation: request.correlation, actor: request.actor)
        switch request.method {
        case "campaign.create": return try createCampaign(request, context)
        case "campaign.update": return try updateCampaign(request, part: .all, context)
        case "campaign.service_level": return try updateCampaign(request, part: .serviceLevel, context)
        case "campaign.actions": return try updateCampaign(request, part: .actions, context)
        case "campaign.resource_info": return try updateCampaign(request, part: .resourceInfo, context)
        case "campaign.next_campaign_id": return try updateCampaign(request, part: .nextCampaign, context)
        case "campaign.stop": return try stopCampaign(request, context)
        case "campaign.test_call": return try testCall(request, context)
        case "campaign.pause": return try pauseCampaign(request, context)
        case "campaign.delete": return try deleteCampaign(request, context)
        case "campaigncall.delete": return try deleteCall(request, context)
        case "worker.register": return try registerWorker(request, context)
        case "outplan.create", "outplan.update", "outplan.dial_info", "outplan.delete":
            return try performOutplan(request, context)
        default: return try performAccount(request, context)
        }
    }

    // MARK: - Campaigns

    func requireCampaign(_ request: Request) throws -> LoadedCampaign {
        let id = try request.params.requireID("id")
        guard let loaded = try campaign(id), loaded.state.customer == request.customerID, loaded.state.deletedAt == nil
        else { throw Refusal.notFound("CAMPAIGN_NOT_FOUND", "there is no campaign \(id)") }
        return loaded
    }

    private func resource(_ loaded: LoadedCampaign) throws -> JSONValue {
        try CampaignReads.resource(of: loaded.state, db)
    }

    private mutating func createCampaign(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        if let known = try campaign(id), known.state.customer == request.customerID { return try resource(known) }
        let events = try Campaign.create(
            id: id,
            customer: request.customerID,
            body: try RequestBody(request.params["body"])
        )
        if case .created(_, _, let settings)? = events.first { try checkReferences(settings, request.customerID) }
        try checkSize(of: nil, after: events)
        return try resource(
            try CampaignTables.campaigns.record(events, on: id, current: nil, context: context, in: turn)
        )
    }

    private mutating func updateCampaign(
        _ request: Request,
        part: CampaignSettings.Part,
        _ context: EventContext
    ) throws -> JSONValue {
        let loaded = try requireCampaign(request)
        let events = try loaded.state.update(body: try RequestBody(request.params["body"]), part: part)
        if case .updated(let changes)? = events.first {
            let isClaimed = memory.starting.contains(loaded.id)
            guard !isClaimed || (changes["outdial_id"].isNull && changes["outplan_id"].isNull) else {
                throw Refusal.state("the campaign is being started; stop it before changing outdial_id or outplan_id")
            }
            try checkReferences(loaded.state.settings, request.customerID, changes: changes)
        }
        try checkRoute(of: loaded.state, after: events)
        try checkSize(of: loaded.state, after: events)
        let updated = try record(events, on: loaded, context)
        try drain(updated)
        return try resource(updated)
    }

    /// Given ids have to exist here; the outdial was looked up at outdial-manager before.
    private func checkReferences(_ settings: CampaignSettings, _ customer: ID, changes: JSONValue? = nil) throws {
        let outplan = changes.map { $0["outplan_id"].id ?? .none } ?? settings.outplan
        let next = changes.map { $0["next_campaign_id"].id ?? .none } ?? settings.nextCampaign
        if !outplan.isNone {
            let found = try CampaignTables.outplans.load(outplan, in: turn)?.state
            guard found?.customer == customer, found?.deletedAt == nil else {
                throw Refusal.invalid("outplan_id", "names an outplan that does not exist: \(outplan)")
            }
        }
        if !next.isNone {
            let found = try campaign(next)?.state
            guard found?.customer == customer, found?.deletedAt == nil else {
                throw Refusal.invalid("next_campaign_id", "names a campaign that does not exist: \(next)")
            }
        }
        try requireQueue(changes.map { $0["queue_id"].id ?? .none } ?? settings.queue, of: customer, field: "queue_id")
        try requireFlow(changes.map { $0["flow_id"].id ?? .none } ?? settings.flow, of: customer, field: "flow_id")
    }

    private mutating func stopCampaign(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let loaded = try requireCampaign(request)
        memory.starting.remove(loaded.id)
        let open = try CallCounts(campaign: loaded.id, in: db).open
        let journals = open > 0 ? try openJournals(of: loaded.id) : []
        let stopped = try record(loaded.state.stop(openAttempts: open, journals: journals), on: loaded, context)
        try drain(stopped)
        return try resource(stopped)
    }

    private mutating func pauseCampaign(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let loaded = try requireCampaign(request)
        let events = try loaded.state.pause(body: try RequestBody(request.params["body"]))
        // Its leases may have been given back, and what it was told meanwhile was for nothing: it asks at once.
        if !events.isEmpty { memory.wishing.remove(loaded.id) }
        return try resource(try record(events, on: loaded, context))
    }

    private func openJournals(of campaign: ID) throws -> [ID] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT DISTINCT journal FROM campaigncall INDEXED BY campaigncall_open
                WHERE bucket IN ('dialing', 'answered') AND campaign_id = ?
                """
        )
        // Other engines take no cancels.
        let engines = Set(settings.engines.routes.map(\.journal))
        return try ID.fetchAll(statement, arguments: [campaign]).filter { !engines.contains($0) }
    }

    private mutating func deleteCampaign(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let loaded = try requireCampaign(request)
        let open = try CallCounts(campaign: loaded.id, in: db).open
        return try resource(try record(try loaded.state.delete(openAttempts: open), on: loaded, context))
    }

    // MARK: - Starting

    /// Says what a start has to claim: `{"is_running", "outdial_id", "run", "plan"}`.
    mutating func prepareStart(_ request: Request) throws -> JSONValue {
        let loaded = try requireCampaign(request)
        if loaded.state.status == .run { return ["is_running": true, "campaign": try resource(loaded)] }
        let outplan = try checkStart(of: loaded.state)
        memory.starting.insert(loaded.id)
        return [
            "is_running": false, "outdial_id": .id(loaded.state.settings.outdial),
            "run": .integer(loaded.state.run + 1),
            "plan": try plan(of: outplan).json,
        ]
    }

    /// The outplan to dial by; throws what keeps `campaign` from being started.
    func checkStart(of campaign: Campaign) throws -> Outplan {
        let outplan = try CampaignTables.outplans.load(campaign.settings.outplan, in: turn)?.state
        if let first = try startObstacles(of: campaign, outplan: outplan).first { throw first.refusal }
        guard let outplan else { throw Campaign.StartObstacle.outplanMissing.refusal }
        return outplan
    }

    func startObstacles(of campaign: Campaign, outplan: Outplan?) throws -> [Campaign.StartObstacle] {
        try campaign.startObstacles(
            outplan: outplan,
            isQueueMissing: isMissing(campaign.settings.queue) {
                try CampaignTables.queues.load($0, in: turn).map { $0.state.deletedAt }
            },
            isFlowMissing: isMissing(campaign.settings.flow) {
                try CampaignTables.flows.load($0, in: turn).map { $0.state.deletedAt }
            },
            isProgramTooLarge: campaign.settings.hasProgram && source(of: campaign).isTooLarge,
            isForEngine: isForEngine(campaign, outplan)
        )
    }

    /// Whether `id` names something that is deleted, or was never there.
    private func isMissing(_ id: ID, _ deletedAt: (ID) throws -> Timestamp??) throws -> Bool {
        guard !id.isNone else { return false }
        guard let found = try deletedAt(id) else { return true }
        return found != nil
    }

    mutating func start(_ request: Request, run: Int64) throws -> JSONValue {
        let wasStarting = memory.starting.remove(try request.params.requireID("id")) != nil
        let loaded = try requireCampaign(request)
        guard wasStarting || loaded.state.status == .run else {
            throw Refusal.state("the campaign was stopped while it was being started; start it again")
        }
        memory.wishing.remove(loaded.id)
        let context = EventContext(correlation: request.correlation, actor: request.actor)
        return try resource(try record(try loaded.state.start(run: run), on: loaded, context))
    }

    // MARK: - Campaigncalls

    private mutating func deleteCall(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        guard let loaded = try CampaignTables.calls.load(id, in: turn),
            loaded.state.assignment.customer == request.customerID, loaded.state.deletedAt == nil,
            !loaded.state.assignment.isTest
        else { throw Refusal.notFound("CAMPAIGNCALL_NOT_FOUND", "there is no campaigncall \(id)") }
        return try record(try loaded.state.delete(), on: loaded, context).state.resource
    }

    // MARK: - Outplans

    private mutating func performOutplan(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        let known = try CampaignTables.outplans.load(id, in: turn)
        let own = known?.state.customer == request.customerID ? known : nil
        if request.method == "outplan.create" {
            if let own { return own.state.resource }
            let events = try Outplan.create(
                id: id,
                customer: request.customerID,
                body: try RequestBody(request.params["body"])
            )
            return try CampaignTables.outplans.record(events, on: id, current: nil, context: context, in: turn).state
                .resource
        }
        guard let own, own.state.deletedAt == nil else {
            throw Refusal.notFound("OUTPLAN_NOT_FOUND", "there is no outplan \(id)")
        }
        let users = try campaigns(using: id)
        let events =
            request.method == "outplan.delete"
            ? try own.state.delete(usedBy: users.first?.id)
            : try own.state.update(body: try RequestBody(request.params["body"]))
        let updated = try CampaignTables.outplans.record(events, on: id, current: own, context: context, in: turn)
        if updated.state.plan != own.state.plan {
            for user in users {
                let change = CampaignEvent.planChanged(
                    run: user.state.run,
                    outdial: user.state.settings.outdial,
                    plan: try plan(of: updated.state)
                )
                try record([change], on: user, context)
            }
        }
        return updated.state.resource
    }

    /// The campaigns that are not stopped and dial by this outplan.
    private func campaigns(using outplan: ID) throws -> [LoadedCampaign] {
        try CampaignTables.campaigns.fetch(
            "INDEXED BY campaign_active WHERE status <> 'stop' AND outplan_id = ?",
            [outplan],
            in: db
        )
    }
}
