import CampaignDomain
import Contracts
import EventLog
import GRDB
import Service

/// Callers who wait for an agent, and the agents who are rung for them.
extension CampaignStep {
    typealias LoadedQueuecall = AggregateTable<Queuecall>.Loaded
    typealias LoadedAgent = AggregateTable<Agent>.Loaded

    static let queuecallTimer = "queuecall"
    static let wrapUpTimer = "wrap_up"
    /// The most callers of one queue that one turn looks at beside the agents there are: some may not want these agents.
    private static let mostSkipped = 100

    /// The condition of the index is repeated, or SQLite does not see that it fits.
    private static let ofOpenQueuecalls =
        "INDEXED BY queuecall_open WHERE status IN ('waiting', 'connecting', 'service')"

    // MARK: - What workers tell

    /// A caller has come to a queue. One whose call is over meanwhile has given up at once.
    mutating func join(_ entry: QueueEntry, _ item: Item) throws {
        guard let call = try CampaignTables.calls.load(entry.attempt, in: turn),
            call.state.assignment.journal == entry.journal,
            try CampaignTables.queuecalls.load(entry.queuecall, in: turn) == nil
        else { return }
        see(entry.journal, entry.sequence)
        let context = context(of: item, call.state.assignment.worker)
        let queue = try CampaignTables.queues.load(entry.queue, in: turn)?.state
        guard let queue, queue.customer == call.state.assignment.customer, queue.deletedAt == nil else {
            let refused = CampaigncallEvent.queueRefused(
                queuecall: entry.queuecall,
                queue: entry.queue,
                reason: Queuecall.EndReason.queueDeleted.rawValue,
                journal: entry.journal
            )
            try record([refused], on: call, context)
            return
        }
        try record([.queueJoined(queuecall: entry.queuecall, queue: entry.queue)], on: call, context)
        let assignment = call.state.assignment
        let new = Queuecall.New(
            id: entry.queuecall,
            customer: assignment.customer,
            queue: queue.id,
            // No campaign counts its test calls.
            campaign: assignment.isTest ? .none : assignment.campaign,
            attempt: assignment.id,
            call: assignment.call,
            activeflow: .activeflow(of: assignment.id),
            journal: entry.journal,
            source: assignment.source,
            destination: assignment.destination,
            joinedAt: entry.at,
            waitUntil: queue.settings.waitTimeout > 0 ? now + queue.settings.waitTimeout : nil,
            createdAt: memory.stamps.next(at: now)
        )
        let created = try record(Queuecall.create(new), on: entry.queuecall, nil, context)
        if !call.state.isOpen { try end(created, at: call.state.endedAt ?? now, context) }
    }

    /// What became of a call to an agent.
    mutating func apply(_ report: AgentLegReport, _ item: Item) throws {
        guard let loaded = try CampaignTables.queuecalls.load(report.queuecall, in: turn),
            loaded.state.new.journal == report.journal
        else { return }
        see(report.journal, report.sequence)
        let worker = try CampaignTables.calls.load(loaded.state.new.attempt, in: turn)?.state.assignment.worker
        let agent = try CampaignTables.agents.load(report.agent, in: turn)?.state
        let events = loaded.state.apply(
            report,
            isFree: agent.map { $0.duty.queuecall.isNone && $0.deletedAt == nil } ?? false,
            wrapUp: try wrapUp(after: loaded.state)
        )
        try record(events, on: loaded.id, loaded, context(of: item, worker ?? ""))
    }

    private func context(of item: Item, _ worker: String) -> EventContext {
        EventContext(correlation: item.correlation, causation: item.id, actor: "dialer-worker/\(worker)")
    }

    /// The call of an attempt is over: so is its wait, or its talk.
    mutating func endQueuecall(of call: Campaigncall) throws {
        guard !call.queuecall.isNone, let loaded = try CampaignTables.queuecalls.load(call.queuecall, in: turn)
        else { return }
        let context = EventContext(correlation: call.assignment.id, actor: "system")
        try end(loaded, at: call.endedAt ?? now, context)
    }

    /// Its worker has spoken again: agents may be rung for the caller, if they wait.
    mutating func lookAgain(at queuecall: ID) throws {
        guard let found = try CampaignTables.queuecalls.load(queuecall, in: turn)?.state, found.status == .waiting
        else { return }
        waitingQueues.insert(found.new.queue)
    }

    private mutating func end(_ loaded: LoadedQueuecall, at moment: Timestamp, _ context: EventContext) throws {
        let events = loaded.state.callOver(at: moment, wrapUp: try wrapUp(after: loaded.state))
        try record(events, on: loaded.id, loaded, context)
    }

    /// How long the agent who talks is kept afterwards: not at all when they want to be something else.
    private func wrapUp(after queuecall: Queuecall) throws -> Milliseconds {
        guard queuecall.status == .service,
            let agent = try CampaignTables.agents.load(queuecall.serviceAgent, in: turn)?.state,
            agent.duty.leg == queuecall.serviceLeg, agent.duty.wish == nil
        else { return 0 }
        return try CampaignTables.queues.load(queuecall.new.queue, in: turn)?.state.settings.wrapUpTime ?? 0
    }

    // MARK: - Requests

    mutating func kick(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let loaded = try requireOwn(CampaignTables.queuecalls, request, "queuecall", "QUEUECALL_NOT_FOUND") {
            ($0.new.customer, nil)
        }
        return try record(try loaded.state.kick(now: now), on: loaded.id, loaded, context).state.resource
    }

    /// The queue is deleted: nobody waits in it any more.
    mutating func emptyQueue(_ queue: Queue, _ context: EventContext) throws {
        let waiting = try CampaignTables.queuecalls.fetch(
            "\(CampaignStep.ofOpenQueuecalls) AND queue_id = ? AND status = 'waiting'",
            [queue.id],
            in: db
        )
        for loaded in waiting {
            try record(loaded.state.queueDeleted(now: now), on: loaded.id, loaded, context)
        }
    }

    // MARK: - Recording

    @discardableResult
    mutating func record(
        _ events: [QueuecallEvent],
        on id: ID,
        _ current: LoadedQueuecall?,
        _ context: EventContext
    ) throws -> LoadedQueuecall {
        if events.isEmpty, let current { return current }
        let updated = try CampaignTables.queuecalls.record(
            events,
            on: id,
            current: current,
            context: context,
            in: turn
        )
        try follow(current?.state, updated.state, context)
        return updated
    }

    /// Keeps agents and deadline in step with the queuecall.
    private mutating func follow(_ before: Queuecall?, _ after: Queuecall, _ context: EventContext) throws {
        if after.status == .service, before?.status != .service { try connect(after, context) }
        for leg in before?.legs ?? []
        where leg.id != after.serviceLeg && !after.legs.contains(where: { $0.id == leg.id }) {
            // Nobody heard of it in time: that is not the agent's fault.
            let isMissed = after.misses.contains { $0.leg == leg.id } && leg.deadline > now
            try release(leg.agent, leg: leg.id, missed: isMissed, wrapUp: 0, context)
        }
        if before?.status == .service, after.status == .done {
            try release(after.serviceAgent, leg: after.serviceLeg, missed: false, wrapUp: after.wrapUp, context)
        }
        if after.status == .waiting { waitingQueues.insert(after.new.queue) }
        if before?.status != after.status { capacityChanged = true }
        try armTimer(of: after)
        if before?.status != after.status { QueueMetrics.shared.count(before, after) }
    }

    private func armTimer(of queuecall: Queuecall) throws {
        let key = queuecall.id.description
        if let due = queuecall.deadline(retryAt: queuecall.nextRetry(after: now)) {
            try turn.armTimer(kind: CampaignStep.queuecallTimer, key: key, at: due)
        } else {
            try turn.cancelTimer(kind: CampaignStep.queuecallTimer, key: key)
        }
    }

    private mutating func connect(_ queuecall: Queuecall, _ context: EventContext) throws {
        guard let agent = try CampaignTables.agents.load(queuecall.serviceAgent, in: turn) else { return }
        let expected = agent.state.connect(leg: queuecall.serviceLeg)
        let events =
            expected.isEmpty
            ? agent.state.connectLate(queuecall: queuecall.id, leg: queuecall.serviceLeg) : expected
        try record(events, on: agent.id, agent, context)
    }

    private mutating func release(
        _ id: ID,
        leg: ID,
        missed: Bool,
        wrapUp: Milliseconds,
        _ context: EventContext
    ) throws {
        guard let agent = try CampaignTables.agents.load(id, in: turn) else { return }
        let events = agent.state.release(leg: leg, missed: missed, wrapUpTime: wrapUp, now: now)
        try record(events, on: id, agent, context)
    }

    /// Records what happens to an agent: its roster and its timer follow, and those who wait for it are looked at.
    @discardableResult
    mutating func record(
        _ events: [AgentEvent],
        on id: ID,
        _ current: LoadedAgent?,
        _ context: EventContext
    ) throws -> LoadedAgent {
        if events.isEmpty, let current { return current }
        let updated = try CampaignTables.agents.record(events, on: id, current: current, context: context, in: turn)
        let (before, after) = (current?.state, updated.state)
        waitingQueues.formUnion(memory.roster.follow(after))
        if before?.canBeRung != after.canBeRung || before?.details.tags != after.details.tags { capacityChanged = true }
        if before?.duty.wrapUpUntil != after.duty.wrapUpUntil {
            if let until = after.duty.wrapUpUntil {
                try turn.armTimer(kind: CampaignStep.wrapUpTimer, key: id.description, at: until)
            } else {
                try turn.cancelTimer(kind: CampaignStep.wrapUpTimer, key: id.description)
            }
        }
        return updated
    }

    // MARK: - Deadlines

    mutating func fireQueueTimers() throws {
        for timer in turn.dueTimers {
            guard let id = ID(timer.key) else { continue }
            let context = EventContext(correlation: id, actor: "system")
            switch timer.kind {
            case CampaignStep.queuecallTimer:
                guard let loaded = try CampaignTables.queuecalls.load(id, in: turn) else { continue }
                let events = loaded.state.due(now: now)
                if events.isEmpty {
                    // Somebody who did not answer may be rung again, or a part of them is not due yet.
                    if loaded.state.status == .waiting { waitingQueues.insert(loaded.state.new.queue) }
                    try armTimer(of: loaded.state)
                } else {
                    try record(events, on: id, loaded, context)
                }
            case CampaignStep.wrapUpTimer:
                guard let agent = try CampaignTables.agents.load(id, in: turn) else { continue }
                try record(agent.state.endWrapUp(now: now), on: id, agent, context)
            default: continue
            }
        }
    }

    // MARK: - Matching

    /// Has agents rung for those who wait, the longest waiting first, over all queues where something has changed.
    mutating func matchQueues() throws {
        if !memory.hasMatched {
            memory.hasMatched = true
            waitingQueues.formUnion(
                try ID.fetchAll(
                    try db.cachedStatement(
                        sql:
                            "SELECT DISTINCT queue_id FROM queuecall \(CampaignStep.ofOpenQueuecalls) AND status = 'waiting'"
                    )
                )
            )
        }
        guard !waitingQueues.isEmpty else { return }
        var queues: [ID: (queue: Queue, waiting: Int)] = [:]
        var waiting: [LoadedQueuecall] = []
        for id in waitingQueues.sorted() {
            guard let queue = try CampaignTables.queues.load(id, in: turn)?.state else { continue }
            guard queue.deletedAt == nil else {
                try emptyQueue(queue, EventContext(correlation: id, actor: "system"))
                continue
            }
            let agents = try available(for: queue)
            guard agents > 0 else { continue }
            let callers = try CampaignTables.queuecalls.fetch(
                """
                \(CampaignStep.ofOpenQueuecalls) AND queue_id = ? AND status = 'waiting'
                ORDER BY created_at LIMIT ?
                """,
                [id, agents + CampaignStep.mostSkipped],
                in: db
            )
            queues[id] = (queue, callers.count)
            waiting += callers
        }
        waitingQueues.removeAll()
        for caller in waiting.sorted(by: { $0.state.new.createdAt < $1.state.new.createdAt }) {
            guard let (queue, others) = queues[caller.state.new.queue] else { continue }
            queues[caller.state.new.queue]?.waiting -= 1
            try match(caller, in: queue, waiting: others)
        }
    }

    private mutating func match(_ caller: LoadedQueuecall, in queue: Queue, waiting: Int) throws {
        // Of a caller whose worker is silent nobody knows whether they are still there.
        guard let call = try CampaignTables.calls.load(caller.state.new.attempt, in: turn)?.state, call.isOpen,
            !call.isSettling, caller.state.due(now: now).isEmpty
        else { return }
        let all = memory.roster.candidates(for: queue)
        let free = all.filter { caller.state.mayRing($0.id, now: now) }
        guard !free.isEmpty else { return }
        let draw = caller.id.low &+ UInt64(bitPattern: caller.state.rings)
        let chosen = queue.order(free, draw: draw).prefix(queue.ringsAtOnce(agents: free.count, waiting: waiting))
        var legs: [QueuecallEvent.Ringing.Leg] = []
        let context = EventContext(correlation: call.assignment.id, actor: "system")
        for candidate in chosen {
            guard let agent = try CampaignTables.agents.load(candidate.id, in: turn) else { continue }
            let leg = turn.ids.next(at: now)
            let rung = agent.state.ring(queuecall: caller.id, leg: leg)
            guard !rung.isEmpty else { continue }
            legs.append(
                QueuecallEvent.Ringing.Leg(
                    id: leg,
                    agent: agent.id,
                    addresses: agent.state.ringAddresses,
                    idle: max(0, now - candidate.availableSince)
                )
            )
            try record(rung, on: agent.id, agent, context)
        }
        try record(caller.state.ring(legs, by: queue.settings), on: caller.id, caller, context)
    }

    /// How many agents can be rung for `queue` now.
    mutating func available(for queue: Queue) throws -> Int {
        if !memory.roster.knows(queue.customer) {
            let agents = try CampaignTables.agents.fetch(
                "INDEXED BY agent_available WHERE customer_id = ? AND can_be_rung = 1",
                [queue.customer],
                in: db
            )
            memory.roster.read(agents.map(\.state), of: queue.customer)
        }
        return memory.roster.count(for: queue)
    }
}
