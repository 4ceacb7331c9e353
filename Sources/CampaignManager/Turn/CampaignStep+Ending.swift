import CampaignDomain
import Contracts
import EventLog
import GRDB

/// How campaigns end: the hang-up of calls that outlast a stop, exhaustion, and the campaign that follows.
extension CampaignStep {
    static let drainTimer = "campaign_drain"

    // MARK: - The calls that outlast a stop

    /// Has the answered calls of a stopping campaign hung up when its `stop_drain_timeout` has passed, or at once when it
    /// has. For a campaign that has just begun to stop, or whose timeout changed while it stops.
    mutating func drain(_ loaded: LoadedCampaign) throws {
        guard loaded.state.status == .stopping else { return }
        let key = loaded.id.description
        guard let end = loaded.state.drainEndsAt else {
            return try turn.cancelTimer(kind: CampaignStep.drainTimer, key: key)
        }
        if end > now {
            try turn.armTimer(kind: CampaignStep.drainTimer, key: key, at: end)
        } else {
            try turn.cancelTimer(kind: CampaignStep.drainTimer, key: key)
            try hangUpAnswered(of: loaded.id)
        }
    }

    mutating func endDrains() throws {
        for timer in turn.dueTimers where timer.kind == CampaignStep.drainTimer {
            // One that was started again meanwhile goes on.
            guard let id = ID(timer.key), let loaded = try campaign(id) else { continue }
            try drain(loaded)
        }
    }

    private mutating func hangUpAnswered(of campaign: ID) throws {
        let answered = try CampaignTables.calls.fetch(
            """
            INDEXED BY campaigncall_open
            WHERE bucket IN ('dialing', 'answered') AND bucket = 'answered' AND campaign_id = ?
            """,
            [campaign],
            in: db
        )
        for call in answered { try hangUp(call) }
    }

    /// An answer that crossed the stop on its way, and came after the time for calls was over.
    mutating func hangUpIfDrained(_ call: LoadedCall) throws {
        guard call.state.phase == .answered, !call.state.assignment.isTest,
            let end = try campaign(call.state.assignment.campaign)?.state.drainEndsAt, end <= now
        else { return }
        try hangUp(call)
    }

    private mutating func hangUp(_ call: LoadedCall) throws {
        // Other engines are not told to hang up: their calls go on to their end.
        guard call.state.assignment.engine.isEmpty else { return }
        let context = EventContext(correlation: call.state.assignment.campaign, actor: "system")
        try record(try call.state.requestHangup(), on: call, context)
    }

    // MARK: - Exhaustion, and what follows

    /// outdial-manager says that `run` has nobody left; the campaign ends if it agrees, and the next one is due.
    mutating func exhaust(_ id: ID, run: Int64, _ context: EventContext) throws {
        guard let loaded = try campaign(id) else { return }
        let open = try CallCounts(campaign: id, in: db).open
        let ended = loaded.state.exhaust(run: run, openAttempts: open)
        guard !ended.isEmpty else { return }
        let following = loaded.state.follow(hasPlaced: try hasPlaced(loaded.state))
        let updated = try record(ended + following, on: loaded, context)
        try startFollower(of: updated)
    }

    /// Whether the latest run of the campaign has placed a call. Its calls are the newest ones.
    private func hasPlaced(_ campaign: Campaign) throws -> Bool {
        let statement = try db.cachedStatement(
            sql: """
                SELECT 1 FROM campaigncall INDEXED BY campaigncall_campaign
                WHERE campaign_id = ? AND created_at >= ? AND bucket = 'done'
                    AND json_extract(state, '$.outcome') = 'placed' LIMIT 1
                """
        )
        let since = campaign.startedAt ?? campaign.createdAt
        return try Int.fetchOne(statement, arguments: [campaign.id, since]) != nil
    }

    /// Goes on with every follower that is due: what was under way may have been lost.
    mutating func startFollowers() throws {
        let due = try CampaignTables.campaigns.fetch("INDEXED BY campaign_next_due WHERE next_due = 1", [], in: db)
        for loaded in due { try startFollower(of: loaded) }
    }

    /// Checks the follower of an ended campaign, and has its outdial claimed.
    private mutating func startFollower(of ended: LoadedCampaign) throws {
        guard let id = ended.state.nextDue, !memory.following.contains(ended.id) else { return }
        // Somebody is starting it just now: that decides it.
        guard !memory.starting.contains(id) else { return }
        do {
            let next = try requireFollower(id, of: ended.state)
            let outplan = try checkStart(of: next)
            memory.following.insert(ended.id)
            memory.starting.insert(id)
            effects.append(
                .claimNext(
                    NextClaim(
                        ended: ended.id,
                        next: id,
                        run: next.run + 1,
                        customer: next.customer,
                        outdial: next.settings.outdial,
                        plan: try plan(of: outplan)
                    )
                )
            )
        } catch let refusal as Refusal {
            try skipFollower(of: ended, refusal)
        }
    }

    private func requireFollower(_ id: ID, of ended: Campaign) throws -> Campaign {
        guard let next = try campaign(id)?.state, next.customer == ended.customer, next.deletedAt == nil else {
            throw Refusal.notFound("CAMPAIGN_NOT_FOUND", "the campaign is deleted")
        }
        guard next.status == .stop else {
            throw Refusal(.failedPrecondition, "NOT_STOPPED", "the campaign is in \(next.status.rawValue) already")
        }
        return next
    }

    private mutating func skipFollower(of ended: LoadedCampaign, _ refusal: Refusal) throws {
        let context = EventContext(correlation: ended.id, actor: "system")
        try record(ended.state.skipNext(because: refusal.reason, refusal.message), on: ended, context)
    }

    /// The claim of a follower is decided: it is started, in the commit that says so of the ended campaign, or skipped, or
    /// the next tick goes on.
    mutating func take(_ answer: ClaimAnswer, to claim: NextClaim) throws {
        memory.following.remove(claim.ended)
        let wasStarting = memory.starting.remove(claim.next) != nil
        var isUsed = false
        // A claim that is not used is found by it, and given back.
        defer { if answer == .granted, !isUsed { effects.append(.reconcile) } }
        guard let ended = try campaign(claim.ended), ended.state.nextDue == claim.next else { return }
        switch answer {
        case .unknown: return
        case .refused(let refusal):
            if refusal.isPassing(for: claim.ended) { return }
            try skipFollower(of: ended, refusal)
        case .granted:
            do {
                guard wasStarting else {
                    throw Refusal(.failedPrecondition, "STOPPED", "somebody stopped it while it was being started")
                }
                _ = try requireFollower(claim.next, of: ended.state)
                isUsed = try start(claim, after: ended)
            } catch let refusal as Refusal {
                try skipFollower(of: ended, refusal)
            }
        }
    }

    /// False when the claim was for a run that has gone by: the next tick asks for another.
    private mutating func start(_ claim: NextClaim, after ended: LoadedCampaign) throws -> Bool {
        guard let next = try campaign(claim.next), claim.run > next.state.run else { return false }
        let context = EventContext(correlation: ended.id, actor: "system")
        memory.wishing.remove(claim.next)
        try record(try next.state.start(run: claim.run), on: next, context)
        try record(ended.state.noteNextStarted(run: claim.run), on: ended, context)
        return true
    }
}

extension Refusal {
    /// Whether asking again for the follower of `ended` may help: its own claim is not released yet, an earlier claim of
    /// the follower is being dropped, or nobody answers.
    fileprivate func isPassing(for ended: ID) -> Bool {
        switch reason {
        case "OUTDIAL_IN_USE": details.first?["campaign_id"].id == ended
        case "STATE_INVALID": true
        default: status == .unavailable || status == .unknown || status == .insufficientStorage
        }
    }
}
