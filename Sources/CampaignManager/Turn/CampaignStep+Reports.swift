import CampaignDomain
import Contracts
import EventLog
import GRDB

/// What workers, other dialing engines and outdial-manager tell.
extension CampaignStep {
    mutating func apply(_ item: Item) throws {
        // A status is harmless to hear twice, and too frequent to remember each.
        if case .workerStatus(let status) = item.body { return try hear(status, item) }
        guard try turn.admit(item.id, consumer: "inbox") else { return }
        switch item.body {
        case .attemptRefused(let attempt, let reason, let journal, let sequence):
            if reason == Item.programMissing { try giveAgain(attempt, journal, item) }
            try refuse(attempt, because: reason, journal, sequence, item)
        case .settled(let attempt, let state, let journal):
            try comeBack(journal, item)
            try apply(to: attempt, from: journal, item) { [now] call in
                state == .claimed ? call.confirmClaim() : call.refuse(at: now)
            }
        case .outdialReady(_, let campaign, _):
            memory.wishing.remove(campaign)
            if memory.pending[campaign] != nil { memory.toldWhilePending.insert(campaign) }
            touched.insert(campaign)
        case .outdialExhausted(_, let campaign, let run): try confirmExhaustion(of: campaign, run: run)
        case .queueJoined(let entry): try join(entry, item)
        case .agentLeg(let report): try apply(report, item)
        case .flowProgress(let progress): try hear(progress, item)
        default: break
        }
    }

    mutating func apply(_ event: CallEvent) throws {
        guard let call = try findCall(event) else { return ignored.add(.unknownCall, event) }
        let assignment = call.state.assignment
        guard settings.engines.allows(event, of: assignment) else { return ignored.add(.notAllowed, event) }
        // What other engines choose as ids is their own affair.
        let consumer = assignment.engine.isEmpty ? "calls" : "calls/\(assignment.engine)"
        let id = event.id ?? derivedID(event, call: assignment.call)
        guard try turn.admit(id, consumer: consumer) else { return ignored.add(.repeated, event) }
        if !event.journal.isNone { see(event.journal, event.sequence) }
        var event = event
        // Other clocks are not ours: a moment that cannot be would shift everything that is counted from it, and keep the
        // number busy.
        event.time = max(assignment.createdAt, min(event.time, now))
        let context = EventContext(correlation: event.correlation, causation: id, actor: event.source)
        let events = call.state.apply(event)
        if events.isEmpty || !call.state.isOpen { ignored.add(.late, event) }
        let updated = try record(events, on: call, context)
        if event.kind == .progressing { try hangUpIfDrained(updated) }
    }

    /// By the attempt, or by the call alone when the engine knows nothing else. A journal reports only its own attempts.
    private func findCall(_ event: CallEvent) throws -> LoadedCall? {
        if !event.attempt.isNone {
            let call = try CampaignTables.calls.load(event.attempt, in: turn)
            let isSame = event.call.isNone || call?.state.assignment.call == event.call
            return isSame ? own(call, of: event) : nil
        }
        return own(try CampaignTables.calls.fetch("WHERE call_id = ? LIMIT 1", [event.call], in: db).first, of: event)
    }

    private func own(_ call: LoadedCall?, of event: CallEvent) -> LoadedCall? {
        event.journal.isNone || event.journal == call?.state.assignment.journal ? call : nil
    }

    /// The journal has not placed it. Without a pause only when its run is over: else it would be leased again at once.
    private mutating func refuse(
        _ attempt: ID,
        because reason: String,
        _ journal: ID,
        _ sequence: Int64,
        _ item: Item
    ) throws {
        guard let call = try CampaignTables.calls.load(attempt, in: turn)?.state, call.assignment.journal == journal
        else { return }
        see(journal, sequence)
        let running = try campaign(call.assignment.campaign)?.state
        let isOver = running?.isDialing != true || running?.run != call.assignment.run
        try apply(to: attempt, from: journal, item) { [now] call in
            switch reason {
            case Item.hungUp: call.refuseHungUp(at: now)
            case Item.cancelled where isOver: call.refuseCancelled(at: now)
            case HangupReason.doNotCall.rawValue: call.refuse(at: now, because: .doNotCall)
            default: call.refuse(at: now)
            }
        }
    }

    /// The key of an event without an id: what it says.
    private func derivedID(_ event: CallEvent, call: ID) -> ID {
        let kind = CallEvent.Kind.allCases.firstIndex(of: event.kind) ?? 0
        // Digits come several times in a call.
        if event.kind == .digits { return ID(naming: "\(call) \(event.digits) \(event.time.microseconds)") }
        return call.derived(kind + 1)
    }

    private mutating func apply(
        to attempt: ID,
        from journal: ID,
        _ item: Item,
        _ decide: (Campaigncall) -> [CampaigncallEvent]
    ) throws {
        guard let call = try CampaignTables.calls.load(attempt, in: turn), call.state.assignment.journal == journal
        else {
            return
        }
        let context = EventContext(
            correlation: item.correlation,
            causation: item.id,
            actor: "dialer-worker/\(call.state.assignment.worker)"
        )
        try record(decide(call.state), on: call, context)
    }

    private mutating func confirmExhaustion(of id: ID, run: Int64) throws {
        guard memory.pending[id] == nil else {
            // The answer decides: it may hold targets. If it holds none, the next one says the same as this message.
            memory.toldWhilePending.insert(id)
            return
        }
        guard let loaded = try campaign(id) else { return }
        let open = try CallCounts(campaign: id, in: db).open
        // The message may be older than what happened since: only an answer is believed.
        if !loaded.state.exhaust(run: run, openAttempts: open).isEmpty { confirmExhaustion(of: loaded.state) }
    }

    /// Asks for every running campaign without open attempts: the news of its end may have been lost.
    mutating func confirmExhaustions() throws {
        let running = try CampaignTables.campaigns.fetch(
            "INDEXED BY campaign_active WHERE status = 'run' AND status <> 'stop'",
            [],
            in: db
        )
        for campaign in running
        where try !campaign.state.isPaused && CallCounts(campaign: campaign.id, in: db).open == 0 {
            confirmExhaustion(of: campaign.state)
        }
    }

    // MARK: - Workers

    private mutating func hear(_ status: WorkerStatus, _ item: Item) throws {
        let current = try CampaignTables.workers.load(status.journal, in: turn)
        let seen = try highestSeen(of: status.journal)
        let events = Worker.hear(status, current: current?.state, highestSeen: seen)
        if events.isEmpty, current?.state.process != status.process { return }
        see(status.journal, status.sequence)
        let context = EventContext(
            correlation: item.correlation,
            causation: item.id,
            actor: "dialer-worker/\(status.worker)"
        )
        try record(events, on: status.journal, current, context)
    }

    /// Judges the journal of a process that has just opened it; refuses a restored copy.
    mutating func registerWorker(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let status = try WorkerStatus(json: request.params)
        let seen = try highestSeen(of: status.journal)
        let current = try CampaignTables.workers.load(status.journal, in: turn)
        let events = Worker.register(status, current: current?.state, highestSeen: seen)
        if case .refused(let reason)? = events.last {
            if current?.state.status != .refused { try record(events, on: status.journal, current, context) }
            try settleAll(of: status.journal, because: "the journal of worker \(status.worker) is refused", context)
            throw Refusal(.failedPrecondition, Request.journalRefused, reason)
        }
        see(status.journal, status.sequence)
        try record(events, on: status.journal, current, context)
        return [:]
    }

    private mutating func record(
        _ events: [WorkerEvent],
        on journal: ID,
        _ current: AggregateTable<Worker>.Loaded?,
        _ context: EventContext
    ) throws {
        guard !events.isEmpty else { return }
        _ = try CampaignTables.workers.record(events, on: journal, current: current, context: context, in: turn)
        capacityChanged = true
    }

    /// Its answer to a settlement shows that a lost worker lives; if it dies after it, that is noticed again.
    private mutating func comeBack(_ journal: ID, _ item: Item) throws {
        guard let worker = try CampaignTables.workers.load(journal, in: turn) else { return }
        memory.lastHeard[journal] = now
        let actor = "dialer-worker/\(worker.state.name)"
        let context = EventContext(correlation: item.correlation, causation: item.id, actor: actor)
        try record(worker.state.comeBack(), on: journal, worker, context)
    }

    private func highestSeen(of journal: ID) throws -> Int64 {
        let statement = try db.cachedStatement(sql: "SELECT position FROM journal_seen WHERE journal = ?")
        return max(seen[journal] ?? 0, try Int64.fetchOne(statement, arguments: [journal]) ?? 0)
    }

    /// Any report is a sign of life.
    mutating func see(_ journal: ID, _ sequence: Int64) {
        memory.lastHeard[journal] = now
        seen[journal] = max(seen[journal] ?? 0, sequence)
    }

    /// Writes how far each journal was seen in this turn.
    func writeSeen() throws {
        for (journal, sequence) in seen {
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO journal_seen VALUES (?, ?)
                    ON CONFLICT DO UPDATE SET position = excluded.position WHERE excluded.position > position
                    """
            )
            try statement.execute(arguments: [journal, sequence])
        }
    }

    /// Notices workers that fell silent, and asks their journals for everything they hold.
    mutating func watchWorkers() throws {
        guard memory.connectedSince != nil else { return }
        for worker in try CampaignTables.workers.fetch("WHERE status IN ('live', 'left')", [], in: db) {
            // After a restart or an outage everybody gets the full time again.
            let heard = memory.lastHeard[worker.id] ?? now
            memory.lastHeard[worker.id] = heard
            guard now - heard >= Worker.silenceLimit else { continue }
            // One that has left owes nothing, unless it went before its calls did.
            if try worker.state.status == .left && CallCounts.open(journal: worker.id, in: db) == 0 { continue }
            let context = EventContext(correlation: worker.id, actor: "system")
            _ = try CampaignTables.workers.record(
                worker.state.lose(),
                on: worker.id,
                current: worker,
                context: context,
                in: turn
            )
            try settleAll(of: worker.id, because: "worker \(worker.state.name) is silent", context)
        }
    }

    private mutating func settleAll(of journal: ID, because: String, _ context: EventContext) throws {
        let open = try CampaignTables.calls.fetch(
            "INDEXED BY campaigncall_open WHERE journal = ? AND bucket IN ('dialing', 'answered')",
            [journal],
            in: db
        )
        for call in open { try record(call.state.settle(because: because), on: call, context) }
    }
}
