import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import GRDB
import OutdialDomain
import OutdialManager

/// How a target stands, and what stands in the way of its next call: the same rules in the same order as when a lease is
/// asked for.
extension Why {
    func standing(of target: Known<Target>) throws -> (Sentence, [Obstacle]) {
        if let deletedAt = target.state.deletedAt, target.state.status != .progressing {
            let event = target.last("target_deleted")
            let verdict = Sentence("It was deleted at \(time(deletedAt)) and is not dialed.", event)
            return (verdict, [Obstacle(.deleted, "It is deleted.", event)])
        }
        switch target.state.status {
        case .done: return try done(target)
        case .progressing:
            guard let lease = target.state.lease else { return (Sentence("An attempt is under way."), []) }
            let event = target.last("target_leased")
            return (
                Sentence("Attempt \(lease.attempt) is under way; nothing else is dialed meanwhile.", event),
                [Obstacle(.underWay, "Attempt \(lease.attempt) has not ended yet.", event)]
            )
        case .idle:
            let obstacles = try obstacles(of: target)
            guard let first = obstacles.first else {
                return (Sentence("Nothing stands in its way: it is dialed as soon as its campaign asks for it."), [])
            }
            let until = first.until.map { ", until \(time($0)) at least" } ?? ""
            return (Sentence("It waits\(until)."), obstacles)
        }
    }

    private func done(_ target: Known<Target>) throws -> (Sentence, [Obstacle]) {
        let event = target.last("target_closed", "target_attempt_finished")
        guard target.state.result != "success" else {
            return (
                Sentence("It was reached, and is not dialed again.", event),
                [Obstacle(.done, "It is done: success.", event)]
            )
        }
        var obstacles = [Obstacle(.done, "It is done: \(closing(target.state.resultReason)).", event)]
        if target.state.resultReason == TargetReasons.doNotCall {
            for address in target.state.destinations.compactMap({ $0 }) {
                obstacles += try listings(of: DialedNumber.key(of: address), for: target.state.customer)
            }
        }
        return (Sentence("It is done, and is not dialed again unless it is re-armed.", event), obstacles)
    }

    private func obstacles(of target: Known<Target>) throws -> [Obstacle] {
        let outdial = try past.find(Outdial.self, target.state.outdial)
        let campaign = try outdial?.state.claim.flatMap { try past.find(Campaign.self, $0.campaign) }
        var found = try dialingOff(target.state.customer)
        found += try standing(of: campaign, on: outdial, target.state.outdial)
        if let next = target.state.nextTryAt, next > past.now {
            let event = target.last("target_attempt_finished")
            found.append(Obstacle(.retryDue, "Its retry is due at \(time(next)).", until: next, event))
        }
        if let plan = outdial?.state.plan { found += try rules(for: target, plan, outdial) }
        if let campaign, campaign.state.takesLeases { found += try pacing(of: campaign) }
        if found.isEmpty { found += try others(before: target.state) }
        return found
    }

    // MARK: - Switches and campaigns

    /// Dialing that is switched off for everybody, or for this customer.
    func dialingOff(_ customer: ID) throws -> [Obstacle] {
        var found: [Obstacle] = []
        if let system = try past.find(System.self, System.id), !system.state.isDialingEnabled {
            let event = system.last("system_dialing_switched")
            let actor = event.map { " by \(self.actor($0))" } ?? ""
            found.append(Obstacle(.dialingOffSystem, "All dialing is switched off\(actor).", event))
        }
        if let known = try past.find(Customer.self, customer), !known.state.isDialingEnabled {
            let event = known.last("customer_dialing_switched")
            let actor = event.map { " by \(self.actor($0))" } ?? ""
            found.append(Obstacle(.dialingOffCustomer, "The customer's dialing is switched off\(actor).", event))
        }
        return found
    }

    /// Whether a campaign works through the list now.
    private func standing(of claimant: Known<Campaign>?, on outdial: Known<Outdial>?, _ id: ID) throws -> [Obstacle] {
        if let campaign = claimant {
            guard campaign.state.isPaused else { return campaign.state.isDialing ? [] : [idle(campaign)] }
            let text = "\(Why.sentenceCase(name(campaign.state))) is paused."
            let paused = Obstacle(.campaignPaused, text, campaign.last("campaign_paused"))
            return campaign.state.isDialing ? [paused] : [idle(campaign), paused]
        }
        if let claim = outdial?.state.claim {
            let event = outdial?.last("outdial_claimed")
            return past.directory.campaignManager == nil
                ? []
                : [
                    Obstacle(
                        .noCampaign,
                        "The list is claimed by campaign \(claim.campaign), which no log knows.",
                        event
                    )
                ]
        }
        let campaigns = try campaigns(on: id)
        guard !campaigns.isEmpty else {
            return [Obstacle(.noCampaign, "No campaign works through its list.", outdial?.last("outdial_released"))]
        }
        return campaigns.map(idle)
    }

    private func idle(_ campaign: Known<Campaign>) -> Obstacle {
        let name = Why.sentenceCase(name(campaign.state))
        switch campaign.state.status {
        case .stopping:
            return Obstacle(
                .campaignStopping,
                "\(name) is stopping: no new calls, open ones end.",
                campaign.last("campaign_stopping")
            )
        case .stop where campaign.state.run == 0 || campaign.last("campaign_stopped") == nil:
            return Obstacle(.campaignStopped, "\(name) was never started.", campaign.first)
        case .stop:
            let because =
                switch campaign.state.endReason {
                case .exhausted: ": its list was worked off"
                case .requested: ": somebody stopped it"
                case .failed: ": it failed"
                case .none: ""
                }
            return Obstacle(
                .campaignStopped,
                "\(name) is stopped\(campaign.state.endedAt.map { " since \(time($0))" } ?? "")\(because).",
                campaign.last("campaign_stopped")
            )
        case .run:
            return Obstacle(
                .noCampaign,
                "\(name) runs and holds no claim on the list; it claims again by itself.",
                campaign.last("campaign_started")
            )
        }
    }

    /// The campaigns that are set up for a list. The rows of today say which may be; their events say whether they were.
    private func campaigns(on outdial: ID) throws -> [Known<Campaign>] {
        guard let log = past.directory.campaignManager else { return [] }
        let ids = try log.read { db in
            try ID.fetchAll(
                db,
                sql: "SELECT id FROM campaign WHERE instr(state, ?) > 0",
                arguments: [outdial.description]
            )
        }
        return try ids.compactMap { try past.find(Campaign.self, $0) }
            .filter { $0.state.settings.outdial == outdial && $0.state.deletedAt == nil }
    }

    // MARK: - The rules of a lease

    private func rules(for target: Known<Target>, _ plan: DialPlan, _ outdial: Known<Outdial>?) throws -> [Obstacle] {
        let planEvent = outdial?.last("outdial_claimed", "outdial_plan_changed")
        let open = target.state.destinations.indices.filter {
            target.state.destinations[$0] != nil && target.state.tryCounts[$0] < plan.maximumTries[$0]
        }
        guard !open.isEmpty else {
            let text = "The plan gives none of its destinations a further try: it is closed when it is looked at next."
            return [Obstacle(.noTries, text, planEvent)]
        }
        var found: [Obstacle] = []
        var next: Address?
        for index in open {
            guard next == nil, let address = target.state.destinations[index] else { continue }
            let listed = try listings(of: DialedNumber.key(of: address), for: target.state.customer)
            if listed.isEmpty { next = address } else { found += listed }
        }
        guard let next else { return found }
        found = []
        if let deferral = target.state.deferral, deferral.until.map({ $0 > past.now }) ?? true {
            let reason: Obstacle.Reason =
                switch deferral.reason {
                case .outsideWindow: .outsideWindow
                case .numberBusy: .numberBusy
                case .numberRecent: .numberRecent
                }
            let event = target.last("target_deferred")
            return [Obstacle(reason, try text(deferral), until: deferral.until, event)]
        }
        found += window(for: target.state, next, plan, planEvent)
        found += try useOfNumber(DialedNumber.key(of: next), target.state, plan)
        return found
    }

    /// The do-not-call lists that have a number.
    private func listings(of number: String, for customer: ID) throws -> [Obstacle] {
        guard let log = past.directory.outdialManager else { return [] }
        let lists = try log.read { db in
            try ID.fetchAll(
                db,
                sql: "SELECT id FROM dnclist WHERE customer_id IN (?, ?) ORDER BY created_at, rowid",
                arguments: [customer, ID.none]
            )
        }
        return try lists.compactMap { id in
            guard let entry = try past.find(DNCNumber.self, DNCNumber.id(of: number, on: id)),
                entry.state.deletedAt == nil, let list = try past.find(DNCList.self, id), list.state.deletedAt == nil
            else { return nil }
            let origin =
                switch entry.state.origin.source {
                case .api: "somebody put it there"
                case .imported: "it was imported"
                case .optOut: "its person said so in attempt \(entry.state.origin.attempt)"
                }
            let text =
                "Its number \(style.number(number)) is on \(name(list.state)), version \(list.state.version), since "
                + "\(time(entry.state.createdAt)): \(origin)."
            return Obstacle(.doNotCall, text, entry.last("dncnumber_added"))
        }
    }

    /// Whether it could be called where it is, now or when its retry is due.
    private func window(
        for target: Target,
        _ address: Address,
        _ plan: DialPlan,
        _ event: LogEntry?
    ) -> [Obstacle] {
        let due = max(past.now, target.nextTryAt ?? past.now)
        let opening = CallingClock(zones: ZoneFiles()).book(of: plan.hours).opening(for: target, at: address, now: due)
        let then = due > past.now ? "At \(time(due)) it" : "It"
        switch opening {
        case .open: return []
        case .closed(let until, let zone):
            return [
                Obstacle(
                    .outsideWindow,
                    "\(then) is outside its calling window (\(zone)) until \(time(until)).",
                    until: until,
                    event
                )
            ]
        case .never: return [Obstacle(.noWindow, Why.sentenceCase(closing(TargetReasons.noWindow)) + ".", event)]
        case .unknownZone:
            return [Obstacle(.unknownZone, Why.sentenceCase(closing(TargetReasons.unknownZone)) + ".", event)]
        }
    }

    /// Calls of others to the same number. Only the rows know them all, and they are the present.
    private func useOfNumber(_ number: String, _ target: Target, _ plan: DialPlan) throws -> [Obstacle] {
        guard past.isPresent, let log = past.directory.outdialManager else { return [] }
        let holder = try log.read { db in
            try OutdialTables.targets.fetch(
                "INDEXED BY target_held WHERE customer_id = ? AND held_number = ? LIMIT 1",
                [target.customer, number],
                in: db
            ).first
        }
        if let holder, let attempt = holder.state.lease?.attempt {
            let event = try past.find(Target.self, holder.id)?.last("target_leased")
            let deferral = Target.Deferral(reason: .numberBusy, until: nil, by: attempt, number: number)
            return [Obstacle(.numberBusy, try text(deferral), event)]
        }
        guard plan.minimumInterval > 0 else { return [] }
        let last = try log.read { db in
            try Timestamp.fetchOne(
                db,
                sql: "SELECT ended_at FROM number_called WHERE customer_id = ? AND number = ?",
                arguments: [target.customer, number]
            )
        }
        guard let until = last.map({ $0 + plan.minimumInterval }), until > past.now else { return [] }
        return [
            Obstacle(
                .numberRecent,
                try text(Target.Deferral(reason: .numberRecent, until: until)),
                until: until,
                nil
            )
        ]
    }

    /// Whoever of the same list comes first. Only the rows know that, and they are the present.
    private func others(before target: Target) throws -> [Obstacle] {
        guard past.isPresent, let log = past.directory.outdialManager else { return [] }
        let count = try log.read { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM target INDEXED BY target_selection
                    WHERE outdial_id = ? AND selectable = 1 AND due_at <= ? AND id <> ?
                    AND (priority, tried, due_at) < (?, ?, ?)
                    """,
                arguments: [
                    target.outdial, past.now, target.id, target.priority, target.wasTried ? 1 : 0, target.dueAt,
                ]
            ) ?? 0
        }
        guard count > 0 else { return [] }
        return [
            Obstacle(
                .others,
                "\(count) of its list come first: by priority, those never tried before retries, then the longest waiting.",
                nil
            )
        ]
    }
}
