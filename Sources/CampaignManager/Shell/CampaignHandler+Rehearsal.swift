import CampaignDomain
import Contracts
import EventLog
import GRDB
import Service

extension CampaignHandler {
    /// What a start of the campaign would find at this moment; it starts and changes nothing.
    ///
    /// `{"targets", "now", "later", "later_until", "never", "reasons", "obstacles", "shortest_duration"}`: how many targets
    /// could be dialed at once, later (all of them from `later_until` on) and never, with the reasons, and every obstacle
    /// that would keep it from dialing. `shortest_duration` is in milliseconds from now, null when nobody could be
    /// dialed: the longer of the time until the last target is due, and the targets to dial (now and later) divided by
    /// `calls_per_second`; a limit that is not set takes no time. One try each, answered at once, on enough channels: it
    /// can only take longer.
    func rehearse(_ request: Request) async throws -> Reply {
        let prepared = try reads.rehearsal(request, engineRoutes: engineRoutes)
        let settings = prepared.campaign.settings
        var obstacles = prepared.obstacles
        let plan = prepared.plan
        var counts: JSONValue = .null
        if !settings.outdial.isNone {
            let found = try await outdials.rehearse(settings.outdial, plan: plan, request)
            counts = found ?? .null
            if found == nil { obstacles.append(.outdialMissing) }
        }
        let holder = counts["campaign_id"].id ?? .none
        if !holder.isNone, holder != prepared.campaign.id { obstacles.append(.outdialInUse(by: holder)) }
        var answer: JSONObject = [
            "targets": .integer(counts["targets"].integer ?? 0), "now": .integer(counts["now"].integer ?? 0),
            "later": .integer(counts["later"].integer ?? 0), "later_until": counts["later_until"],
            "never": .integer(counts["never"].integer ?? 0), "reasons": .array(counts["reasons"].array ?? []),
            "obstacles": .array(obstacles.map(\.json)),
        ]
        let duration = CampaignHandler.shortestDuration(
            targets: (counts["now"].integer ?? 0) + (counts["later"].integer ?? 0),
            callsPerSecond: settings.callsPerSecond,
            laterUntil: counts.optionalTime("later_until"),
            now: reads.clock()
        )
        answer.append("shortest_duration", duration.map { .integer($0) } ?? .null)
        return .result(.object(answer))
    }

    /// In milliseconds; nil when there is nobody to dial.
    static func shortestDuration(
        targets: Int64,
        callsPerSecond: Double,
        laterUntil: Timestamp?,
        now: Timestamp
    ) -> Int64? {
        guard targets > 0 else { return nil }
        let byRate = callsPerSecond > 0 ? Int64((Double(targets) * 1000 / callsPerSecond).rounded(.up)) : 0
        let byWait = laterUntil.map { ($0 - now).count } ?? 0
        return max(byRate, byWait, 0)
    }
}

/// What would keep a campaign from dialing, as the rehearsal tells it.
struct Obstacle: Hashable {
    let reason: String
    let message: String

    init(_ reason: String, _ message: String) {
        self.reason = reason
        self.message = message
    }

    init(_ obstacle: Campaign.StartObstacle) {
        self.init(obstacle.rawValue, obstacle.refusal.message)
    }

    var json: JSONValue { ["reason": .string(reason), "message": .string(message)] }

    static let outdialMissing = Obstacle(
        "OUTDIAL_MISSING",
        "the campaign has no outdial, or it is deleted; set outdial_id with PUT /campaigns/{id}/resource_info"
    )

    static let paused = Obstacle("PAUSED", "the campaign is paused; unpause it with PUT /campaigns/{id}/pause")

    static func outdialInUse(by campaign: ID) -> Obstacle {
        Obstacle("OUTDIAL_IN_USE", "campaign \(campaign) is running on this outdial; stop it first")
    }
}

extension CampaignReads {
    /// The campaign, what its outplan says of dialing if it has one, and the obstacles that this log knows of.
    func rehearsal(
        _ request: Request,
        engineRoutes: Set<String> = []
    ) throws -> (campaign: Campaign, plan: DialPlan?, obstacles: [Obstacle]) {
        try log.read { db in
            let id = try request.params.requireID("id")
            guard let campaign = try CampaignTables.campaigns.load(id, in: db)?.state,
                campaign.customer == request.customerID, campaign.deletedAt == nil
            else { throw Refusal.notFound("CAMPAIGN_NOT_FOUND", "there is no campaign \(id)") }
            let known = try CampaignTables.outplans.load(campaign.settings.outplan, in: db)?.state
            let outplan = known?.deletedAt == nil ? known : nil
            let (queue, flow) = (campaign.settings.queue, campaign.settings.flow)
            let route = CampaignStep.route(of: campaign.settings, outplan)
            var obstacles = campaign.startObstacles(
                outplan: outplan,
                isQueueMissing: try !queue.isNone
                    && CampaignTables.queues.load(queue, in: db)?.state.deletedAt != nil,
                isFlowMissing: try !flow.isNone && CampaignTables.flows.load(flow, in: db)?.state.deletedAt != nil,
                isProgramTooLarge: try campaign.settings.hasProgram
                    && ProgramSource(campaign) { id in
                        let flow = try CampaignTables.flows.load(id, in: db)?.state
                        return flow?.customer == campaign.customer && flow?.deletedAt == nil
                            ? flow?.settings.actions : nil
                    }.isTooLarge,
                isForEngine: engineRoutes.contains(route)
            ).map { Obstacle($0) }
            if campaign.isPaused { obstacles.append(.paused) }
            let live = try CampaignTables.workers.fetch("WHERE status = 'live'", [], in: db).map(\.state)
            if !engineRoutes.contains(route), !live.contains(where: { $0.route == route && $0.channels > 0 }) {
                obstacles.append(
                    Obstacle(
                        "NO_WORKER",
                        "no worker takes calls for the route \"\(route)\"; start a dialer-worker for it"
                    )
                )
            }
            if let obstacle = try dialingObstacle(campaign.customer, db) { obstacles.append(obstacle) }
            let customer = try CampaignTables.customers.load(campaign.customer, in: db)?.state
            return (campaign, outplan?.plan(for: customer), obstacles)
        }
    }

    /// The switch that holds back all dialing for the customer, if one does.
    private func dialingObstacle(_ customer: ID, _ db: Database) throws -> Obstacle? {
        if try CampaignTables.system.load(System.id, in: db)?.state.isDialingEnabled == false {
            return Obstacle("DIALING_DISABLED", "dialing is switched off for the whole installation by its operator")
        }
        guard try CampaignTables.customers.load(customer, in: db)?.state.isDialingEnabled == false else { return nil }
        return Obstacle("DIALING_DISABLED", "dialing is switched off; switch it on with PUT /customer/dialing")
    }
}
