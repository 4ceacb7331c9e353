import CampaignDomain
import Contracts
import EventLog
import GRDB

/// Who may dial how much now, and what becomes of the leases.
extension CampaignStep {
    /// Free channels by live worker, the most free first to be asked.
    struct Capacity {
        struct Entry {
            var journal: ID
            var name: String
            var route: String
            var free: Int64
            /// The route again when another dialing engine serves it, else "".
            var engine = ""
        }

        var workers: [Entry]

        /// The channels that `route` has free.
        func free(on route: String) -> Int64 {
            workers.reduce(0) { $0 + ($1.route == route ? max(0, $1.free) : 0) }
        }

        /// Takes a channel of the worker with most of them free.
        mutating func take(on route: String) -> Entry? {
            let candidates = workers.indices.filter { workers[$0].route == route && workers[$0].free > 0 }
            guard let best = candidates.max(by: { workers[$0].free < workers[$1].free }) else { return nil }
            workers[best].free -= 1
            return workers[best]
        }
    }

    func capacity() throws -> Capacity {
        let engines = try engineCapacity()
        let live = try CampaignTables.workers.fetch("WHERE status = 'live' ORDER BY rowid", [], in: db)
        return Capacity(
            workers: try live.map { worker in
                let open = try CallCounts.open(journal: worker.id, in: db)
                return Capacity.Entry(
                    journal: worker.id,
                    name: worker.state.name,
                    route: worker.state.route,
                    free: Int64(worker.state.channels) - open
                )
            } + engines
        )
    }

    static let defaultRoute = "default"
    /// Few enough that outdial-manager finds the next ones while these are assigned.
    static let leasesPerRequest: Int64 = 250

    static func route(of settings: CampaignSettings, _ outplan: Outplan?) -> String {
        for route in [settings.route, outplan?.settings.route ?? ""] where !route.isEmpty { return route }
        return defaultRoute
    }

    // MARK: - Asking for targets

    /// Looks at every campaign whose permits may have changed. Round-robin by the order of creation.
    mutating func pace() throws {
        try adoptHeld()
        for id in touched { try settleStop(id) }
        guard capacityChanged || !touched.isEmpty else { return }
        let running = try CampaignTables.campaigns.fetch(
            "INDEXED BY campaign_active WHERE status = 'run' AND status <> 'stop' ORDER BY created_at",
            [],
            in: db
        )
        guard !running.isEmpty else { return }
        if !memory.hasReconciled {
            memory.hasReconciled = true
            effects.append(.reconcile)
        }
        let capacity = try capacity()
        var promised: [String: Int64] = [:]
        for request in memory.pending.values {
            guard let route = try runningRoute(request.campaign) else { continue }
            promised[route, default: 0] += request.count
        }
        for (campaign, held) in memory.held {
            guard let route = try runningRoute(campaign) else { continue }
            promised[route, default: 0] += held.reduce(0) { $0 + Int64($1.leases.count) }
        }
        var sharing: [ID: [Campaign]] = [:]
        for loaded in running {
            let queue = loaded.state.settings.queue
            if !queue.isNone {
                sharing[queue, default: []].append(loaded.state)
            } else if memory.pending[loaded.id] == nil, !memory.wishing.contains(loaded.id) {
                try ask(loaded.state, capacity: capacity, promised: &promised)
            }
        }
        for (queue, campaigns) in sharing.sorted(by: { $0.key < $1.key }) {
            try ask(campaigns, sharing: queue, capacity: capacity, promised: &promised)
        }
    }

    private func runningRoute(_ id: ID) throws -> String? {
        guard let campaign = try campaign(id)?.state else { return nil }
        return CampaignStep.route(
            of: campaign.settings,
            try CampaignTables.outplans.load(campaign.settings.outplan, in: turn)?.state
        )
    }

    private mutating func ask(_ campaign: Campaign, capacity: Capacity, promised: inout [String: Int64]) throws {
        guard let (permits, route) = try permits(of: campaign, capacity: capacity, promised: promised) else { return }
        let count = min(permits, CampaignStep.leasesPerRequest)
        promised[route, default: 0] += count
        memory.buckets[campaign.id]?.take(count)
        request(count, for: campaign, needsProfile: settings.engines.routes.contains { $0.name == route })
    }

    /// What the limits of the campaign itself and its route allow now; nil when that is nothing.
    mutating func permits(
        of campaign: Campaign,
        capacity: Capacity,
        promised: [String: Int64]
    ) throws -> (count: Int64, route: String)? {
        guard try !campaign.isPaused && isDialingEnabled(for: campaign.customer) else { return nil }
        guard let outplan = try CampaignTables.outplans.load(campaign.settings.outplan, in: turn)?.state else {
            return nil
        }
        let route = CampaignStep.route(of: campaign.settings, outplan)
        // Its outplan was given that route while it runs: what an engine cannot do is not asked of it.
        guard campaign.engineObstacles.isEmpty || !isForEngine(campaign, outplan) else { return nil }
        let permits = Pacing(
            maximumConcurrent: campaign.settings.maximumConcurrent,
            open: try CallCounts(campaign: campaign.id, in: db).open,
            rateAllowance: rateAllowance(of: campaign),
            freeChannels: capacity.free(on: route) - promised[route, default: 0]
        ).permits
        return permits > 0 ? (permits, route) : nil
    }

    mutating func request(_ count: Int64, for campaign: Campaign, needsProfile: Bool = false) {
        let request = LeaseRequest(
            id: turn.ids.next(at: now),
            campaign: campaign.id,
            run: campaign.run,
            customer: campaign.customer,
            outdial: campaign.settings.outdial,
            count: count,
            needsProfile: needsProfile || campaign.settings.hasProgram
        )
        memory.pending[campaign.id] = request
        effects.append(.lease(request))
    }

    /// Asks for no target, only for whether there will ever be one: that needs no worker.
    mutating func confirmExhaustion(of campaign: Campaign) {
        if memory.pending[campaign.id] == nil { request(0, for: campaign) }
    }

    /// What `calls_per_second` allows now; asks to be woken for the next ones.
    private mutating func rateAllowance(of campaign: Campaign) -> Int64? {
        let rate = campaign.settings.callsPerSecond
        guard rate > 0 else {
            memory.buckets[campaign.id] = nil
            return nil
        }
        var bucket = memory.buckets[campaign.id] ?? TokenBucket(rate: rate, now: now)
        if bucket.rate != rate { bucket.setRate(rate, now: now) }
        let allowance = bucket.available(at: now)
        if allowance <= 0 { wake(at: bucket.nextPortion(after: now)) }
        memory.buckets[campaign.id] = bucket
        return allowance
    }

    mutating func wake(at moment: Timestamp) {
        if let planned = memory.nextWake, planned <= moment { return }
        memory.nextWake = moment
        effects.append(.wake(at: moment))
    }

    private mutating func settleStop(_ id: ID) throws {
        guard let loaded = try campaign(id), loaded.state.status == .stopping else { return }
        let open = try CallCounts(campaign: id, in: db).open
        let context = EventContext(correlation: id, actor: "system")
        try record(loaded.state.settleStop(openAttempts: open), on: loaded, context)
    }

    // MARK: - Leases

    mutating func take(_ answer: LeaseAnswer, to request: LeaseRequest) throws {
        guard memory.pending[request.campaign] == request else { return }
        memory.pending[request.campaign] = nil
        memory.askedAt[request.campaign] = nil
        let hasNews = memory.toldWhilePending.remove(request.campaign) != nil
        touched.insert(request.campaign)
        guard let loaded = try campaign(request.campaign) else { return }
        let context = EventContext(correlation: request.id, actor: Manager.outdial.rawValue)
        switch answer {
        case .unknown:
            // What it may have leased is paid for: it is found later, and dialed then.
            effects.append(.reconcile)
            // Not at once: the next tick asks again.
            memory.wishing.insert(request.campaign)
            memory.recheck.insert(request.campaign)
        case .claimLost: try reclaim(loaded.state, request)
        case .leases(let leases, let isExhausted):
            memory.buckets[request.campaign]?.giveBack(request.count - Int64(leases.count))
            if Int64(leases.count) < request.count, loaded.state.run == request.run, !hasNews {
                memory.wishing.insert(request.campaign)
            }
            if loaded.state.settings.queue.isNone {
                try adopt(leases, run: request.run, outdial: request.outdial, by: loaded, context)
            } else {
                hold(leases, run: request.run, outdial: request.outdial, by: loaded.id, context)
            }
            if leases.isEmpty, isExhausted {
                try exhaust(request.campaign, run: request.run, context)
            }
        }
    }

    private mutating func reclaim(_ campaign: Campaign, _ request: LeaseRequest) throws {
        guard campaign.isDialing, campaign.run == request.run,
            let outplan = try CampaignTables.outplans.load(campaign.settings.outplan, in: turn)?.state
        else { return }
        memory.wishing.insert(campaign.id)
        memory.recheck.insert(campaign.id)
        effects.append(
            .reclaim(
                campaign: campaign.id,
                run: campaign.run,
                customer: campaign.customer,
                outdial: request.outdial,
                plan: try plan(of: outplan)
            )
        )
    }

    /// Makes each lease a campaigncall of one worker's journal, or gives it back. A known attempt is left as it is.
    mutating func adopt(
        _ leases: [Lease],
        run: Int64,
        outdial: ID,
        by loaded: LoadedCampaign,
        _ context: EventContext
    ) throws {
        guard !leases.isEmpty else { return }
        var adoption = try Adoption(of: loaded, run: run, outdial: outdial, context, in: &self)
        var capacity = try capacity()
        for lease in leases { try adopt(lease, by: &adoption, &capacity) }
    }

    /// A campaign that makes calls of its leases.
    struct Adoption {
        var loaded: LoadedCampaign
        let run: Int64
        let outdial: ID
        let outplan: Outplan?
        let isEnabled: Bool
        /// What its calls run, if anything.
        let program: Program?
        /// Numbers that the customer's test calls have on the line.
        let tested: Set<String>
        var open: Int64
        let context: EventContext

        init(
            of loaded: LoadedCampaign,
            run: Int64,
            outdial: ID,
            _ context: EventContext,
            in step: inout CampaignStep
        ) throws {
            self.loaded = loaded
            self.run = run
            self.outdial = outdial
            self.context = context
            outplan = try CampaignTables.outplans.load(loaded.state.settings.outplan, in: step.turn)?.state
            program = try step.program(of: loaded.state)
            isEnabled = try step.isDialingEnabled(for: loaded.state.customer)
            tested = try step.numbersOfTestCalls(of: loaded.state.customer)
            open = try CallCounts(campaign: loaded.id, in: step.db).open
        }
    }

    /// Makes `lease` a campaigncall and answers with it, or gives it back. `isPaced`: the agents allow one more call.
    @discardableResult
    mutating func adopt(
        _ lease: Lease,
        by adoption: inout Adoption,
        isPaced: Bool = true,
        _ capacity: inout Capacity
    ) throws -> Campaigncall? {
        guard try CampaignTables.calls.load(lease.attempt, in: turn) == nil else { return nil }
        let campaign = adoption.loaded.state
        let limit = campaign.settings.maximumConcurrent
        // Decided once and for ever: a lease that was given back is never taken up by a later, older report of it.
        let isFirst = try turn.admit(lease.attempt, consumer: "lease")
        // With dialing switched off, or a pause, its target is left as if nobody had asked for it, ready for when it is on
        // again.
        let isRunning = adoption.isEnabled && campaign.takesLeases && campaign.run == adoption.run && isPaced
        // An answer that was long on its way is for outdial-manager to judge again.
        let isAllowed =
            isFirst && isRunning && (limit == 0 || adoption.open < limit)
            && !adoption.tested.contains(DialedNumber.key(of: lease.destination))
            && (lease.startBy.map { now <= $0 } ?? true)
            && (campaign.engineObstacles.isEmpty || !isForEngine(campaign, adoption.outplan))
        let route = CampaignStep.route(of: campaign.settings, adoption.outplan)
        guard let worker = isAllowed ? capacity.take(on: route) : nil, let outplan = adoption.outplan else {
            let returned = CampaignEvent.leaseReturned(
                run: adoption.run,
                attempt: lease.attempt,
                target: lease.target,
                outdial: adoption.outdial,
                outcome: isRunning ? .notPlaced : .cancelled
            )
            adoption.loaded = try record([returned], on: adoption.loaded, adoption.context)
            return nil
        }
        adoption.open += 1
        var assignment = assignment(of: lease, to: worker, for: campaign, outplan, outdial: adoption.outdial)
        assignment.kind = campaign.settings.kind.dial
        if assignment.engine.isEmpty {
            try assign(adoption.program, to: &assignment, lease, adoption.context)
        } else {
            assignment.profile = lease.profile
        }
        let call = try CampaignTables.calls.record(
            [.created(assignment)],
            on: lease.attempt,
            current: nil,
            context: adoption.context,
            in: turn
        )
        try turn.armTimer(
            kind: CampaignStep.attemptTimer,
            key: lease.attempt.description,
            at: deadline(of: call.state)
        )
        if !assignment.engine.isEmpty {
            effects.append(.dial(EngineCommand(assignment, correlation: adoption.context.correlation)))
        }
        return call.state
    }

    mutating func assignment(
        of lease: Lease,
        to worker: Capacity.Entry,
        for campaign: Campaign,
        _ outplan: Outplan,
        outdial: ID
    ) -> Campaigncall.Assignment {
        let startBy = now + (worker.engine.isEmpty ? settings.startWithin : settings.engines.startWithin)
        return Campaigncall.Assignment(
            id: lease.attempt,
            customer: campaign.customer,
            campaign: campaign.id,
            run: campaign.run,
            outplan: outplan.id,
            outdial: outdial,
            target: lease.target,
            queue: campaign.settings.queue,
            flow: campaign.settings.flow,
            call: turn.ids.next(at: now),
            source: campaign.settings.source ?? outplan.settings.source,
            destination: lease.destination,
            destinationIndex: lease.destinationIndex,
            tryCount: lease.tryCount,
            worker: worker.name,
            journal: worker.journal,
            engine: worker.engine,
            dialTimeout: outplan.settings.dialTimeout,
            maximumTalkTime: settings.maximumTalkTime,
            startBy: lease.startBy.map { min($0, startBy) } ?? startBy,
            createdAt: memory.stamps.next(at: now)
        )
    }

    // MARK: - Reconciliation

    /// Compares one claim of outdial-manager with what runs here: adopts or gives back leases that nobody knew, repeats
    /// results that did not arrive, and drops a claim that no run holds.
    mutating func reconcile(_ report: ClaimReport) throws {
        guard !memory.starting.contains(report.campaign) else { return }
        var unknown: [RunKey: [Lease]] = [:]
        for open in report.leases {
            if let call = try CampaignTables.calls.load(open.lease.attempt, in: turn) {
                let context = EventContext(correlation: open.lease.attempt, actor: "system")
                try record(call.state.repeatResult(at: now), on: call, context)
            } else {
                // Also while a request is under way: its answer then finds the attempt known and leaves it alone.
                unknown[RunKey(campaign: open.campaign, run: open.run), default: []].append(open.lease)
            }
        }
        for (key, leases) in unknown {
            guard let loaded = try campaign(key.campaign) else { continue }
            let context = EventContext(correlation: key.campaign, actor: "system")
            if loaded.state.takesLeases, !loaded.state.settings.queue.isNone {
                // While a request is under way its answer brings them, in their order with those of other campaigns.
                guard memory.pending[key.campaign] == nil else { continue }
                hold(leases, run: key.run, outdial: report.outdial, by: key.campaign, context)
            } else {
                try adopt(leases, run: key.run, outdial: report.outdial, by: loaded, context)
            }
        }
        guard let loaded = try campaign(report.campaign), loaded.state.status == .stop,
            memory.pending[report.campaign] == nil
        else { return }
        let context = EventContext(correlation: report.campaign, actor: "system")
        try record([.claimDropped(run: report.run, outdial: report.outdial)], on: loaded, context)
    }

    private struct RunKey: Hashable {
        var campaign: ID
        var run: Int64
    }
}
