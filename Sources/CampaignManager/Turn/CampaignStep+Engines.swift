import CampaignDomain
import Contracts
import EventLog

/// Attempts that other people's dialing engines place.
extension CampaignStep {
    /// The channels of their routes. None while the bus is away: a command has to leave at once, or never.
    func engineCapacity() throws -> [Capacity.Entry] {
        guard memory.connectedSince != nil else { return [] }
        return try settings.engines.routes.map { route in
            Capacity.Entry(
                journal: route.journal,
                name: "engine/\(route.name)",
                route: route.name,
                free: route.channels - (try CallCounts.open(journal: route.journal, in: db)),
                engine: route.name
            )
        }
    }

    /// Whether another engine serves the route that `campaign` is dialed by.
    func isForEngine(_ campaign: Campaign, _ outplan: Outplan?) -> Bool {
        let route = CampaignStep.route(of: campaign.settings, outplan)
        return settings.engines.routes.contains { $0.name == route }
    }

    /// Throws when `events` would make of a running campaign one that could not be started on its route.
    func checkRoute(of campaign: Campaign, after events: [CampaignEvent]) throws {
        guard campaign.status != .stop, !events.isEmpty else { return }
        var changed: Campaign? = campaign
        for event in events { Campaign.evolve(&changed, event, at: now) }
        guard let changed, let first = changed.engineObstacles.first else { return }
        let outplan = try CampaignTables.outplans.load(changed.settings.outplan, in: turn)?.state
        if isForEngine(changed, outplan) { throw first.refusal }
    }

    func deadline(of call: Campaigncall) -> Timestamp { call.deadline(from: now, patience: settings.settleTimeout) }

    mutating func commandFailed(_ attempt: ID, _ failure: EngineCommand.Failure) throws {
        try applyToEngineCall(attempt) { [now] call in
            switch failure {
            case .notSent: call.refuse(at: now)
            case .unconfirmed: call.miss(because: "the broker did not confirm the command")
            }
        }
    }

    mutating func comeBackUndelivered(_ attempt: ID, because reason: String) throws {
        try applyToEngineCall(attempt) { [now] in $0.comeBackUndelivered(because: reason, at: now) }
    }

    private mutating func applyToEngineCall(_ attempt: ID, _ decide: (Campaigncall) -> [CampaigncallEvent]) throws {
        guard let call = try CampaignTables.calls.load(attempt, in: turn), !call.state.assignment.engine.isEmpty else {
            return
        }
        try record(decide(call.state), on: call, EventContext(correlation: attempt, actor: "system"))
    }
}
