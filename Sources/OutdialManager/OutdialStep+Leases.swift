import Contracts
import EventLog
import GRDB
import OutdialDomain

/// Claims and leases, and what is deferred.
extension OutdialStep {
    /// The most targets that one lease looks at: closing or deferring a whole list takes many short turns.
    private static let mostLooks = 2000
    /// How many are looked at together when the first ones could not be leased.
    private static let looksTogether = 250

    mutating func claim(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("outdial_id")
        let loaded = try requireOutdial(id, of: request.customerID)
        let plan = try DialPlan(json: request.params["plan"])
        let events = try loaded.state.claim(
            campaign: try request.params.requireID("campaign_id"),
            run: try request.params.requireInteger("run"),
            plan: plan
        )
        try record(events, on: loaded, context)
        if let former = loaded.state.plan, !events.isEmpty { try judgeAnew(id, former, plan, context) }
        return [:]
    }

    /// Leases up to `count` due targets. The same `request_id` gets the same leases again.
    mutating func lease(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let params = request.params
        let (id, campaign) = (try params.requireID("outdial_id"), try params.requireID("campaign_id"))
        let (run, requestID) = (try params.requireInteger("run"), try params.requireID("request_id"))
        let count = Int(min(1000, max(0, try params.requireInteger("count"))))
        // Only flows speak of the person.
        let needsProfile = params["profile"].bool ?? false
        guard let loaded = try outdial(id), loaded.state.holds(campaign: campaign, run: run),
            let plan = loaded.state.plan
        else { throw Refusal.state("run \(run) of campaign \(campaign) does not hold the claim on this outdial") }
        // A request for none asks only whether the list is exhausted: there is nothing to give twice.
        guard try count == 0 || turn.admit(requestID, consumer: "lease") else {
            let held = try openLeases(of: id).filter { $0.state.lease?.request == requestID }
            return leaseAnswer(held.compactMap { $0.state.leased }, plan, needsProfile, isExhausted: false)
        }
        let leases = try lease(count, in: loaded.state, plan, request: requestID, context)
        let current = leases.count < count ? try record(loaded.state.wish(), on: loaded, context) : loaded
        touch(id, context)
        let counts = try TargetCounts(of: id, in: db)
        return leaseAnswer(
            leases,
            plan,
            needsProfile,
            isExhausted: current.state.claim != nil && counts.idle == 0 && counts.progressing == 0
        )
    }

    private mutating func lease(
        _ count: Int,
        in outdial: Outdial,
        _ plan: DialPlan,
        request: ID,
        _ context: EventContext
    ) throws -> [Lease] {
        guard let claim = outdial.claim, count > 0 else { return [] }
        let lists = try ListsInForce(of: outdial.customer, in: db)
        let book = clock.book(of: plan.hours)
        var leases: [Lease] = []
        // Targets that turn out to be undialable are closed or deferred on the way and cost one more look.
        var looks = 0
        while leases.count < count, looks < OutdialStep.mostLooks {
            let limit = looks == 0 ? count : max(count - leases.count, OutdialStep.looksTogether)
            let rows = try db
            let due = try TargetSelection.due(in: outdial.id, now: turn.now, limit: limit, rows)
            if due.isEmpty { break }
            looks += due.count
            var conditions = DialingConditions(lists, book, now: turn.now, rows)
            // What is leased here is in the rows only with the next look.
            var heldHere: [String: ID] = [:]
            let heldBefore = conditions.holder
            for target in due where leases.count < count {
                conditions.holder = { number in try heldHere[number] ?? heldBefore(number) }
                let events = try target.state.lease(
                    attempt: turn.ids.next(at: turn.now),
                    request: request,
                    campaign: claim.campaign,
                    run: claim.run,
                    plan: plan,
                    now: turn.now,
                    under: conditions
                )
                let updated = try record(events, on: target, context)
                guard let lease = updated.state.leased else { continue }
                leases.append(lease)
                if let number = updated.state.heldNumber { heldHere[number] = lease.attempt }
            }
        }
        return leases
    }

    private func leaseAnswer(
        _ leases: [Lease],
        _ plan: DialPlan,
        _ needsProfile: Bool,
        isExhausted: Bool
    ) -> JSONValue {
        let told = leases.map { lease in
            var lease = lease.limited(by: plan)
            if !needsProfile { lease.profile = .empty }
            return lease.json
        }
        return ["leases": .array(told), "exhausted": .bool(isExhausted)]
    }

    // MARK: - The end of attempts

    mutating func finish(_ finished: AttemptFinished, _ context: EventContext) throws {
        guard let target = try OutdialTables.targets.load(finished.target, in: turn),
            let plan = try outdial(target.state.outdial)?.state.plan
        else { return }
        let number = target.state.heldNumber
        let events = target.state.finish(finished, plan: plan)
        try record(events, on: target, context)
        touch(target.state.outdial, context)
        if let number, !events.isEmpty { try wake(number, of: target.state.customer, context) }
    }

    // MARK: - What waits for a number

    /// Goes on with those that wait for a number, when there are many.
    static let numberTimer = "number_free"
    private static let wakeSlice = 100

    /// Nobody has a call to `number` any more: those that waited for it may be looked at again, a slice in each turn.
    private mutating func wake(_ number: String, of customer: ID, _ context: EventContext) throws {
        let waiting = try OutdialTables.targets.fetch(
            "INDEXED BY target_blocked WHERE customer_id = ? AND blocked_number = ? LIMIT ?",
            [customer, number, OutdialStep.wakeSlice],
            in: db
        )
        for target in waiting {
            try record(target.state.resume(), on: target, context)
            touch(target.state.outdial, context)
        }
        if waiting.count == OutdialStep.wakeSlice {
            try turn.armTimer(kind: OutdialStep.numberTimer, key: "\(customer) \(number)", at: turn.now)
        }
    }

    /// A further slice, unless somebody has a call to the number again.
    mutating func wakeMore(_ key: String) throws {
        let parts = key.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let customer = ID(parts[0]) else { return }
        let number = String(parts[1])
        guard try NumberUse.holder(of: number, customer: customer, db) == nil else { return }
        try wake(number, of: customer, EventContext(correlation: customer, actor: "system"))
    }

    // MARK: - What a changed plan judges anew

    /// Goes on with the targets of an outdial that are to be judged anew.
    static let resumeTimer = "outdial_resume"
    private static let resumeSlice = 500

    /// Has every deferred target looked at again when the plan says something else of when to call.
    mutating func judgeAnew(_ outdial: ID, _ former: DialPlan, _ plan: DialPlan, _ context: EventContext) throws {
        guard
            former.hours != plan.hours || former.minimumInterval != plan.minimumInterval
                || former.maximumTries != plan.maximumTries
        else { return }
        try resume(in: outdial, behind: 0, context)
    }

    /// One slice, in the order of the rows: what is deferred anew behind it is not looked at twice.
    private mutating func resume(in outdial: ID, behind row: Int64, _ context: EventContext) throws {
        let statement = try db.cachedStatement(
            sql: """
                SELECT rowid, id FROM target INDEXED BY target_deferred
                WHERE outdial_id = ? AND deferred = 1 AND rowid > ? ORDER BY rowid LIMIT ?
                """
        )
        let rows = try Row.fetchAll(statement, arguments: [outdial, row, OutdialStep.resumeSlice])
        for row in rows {
            guard let target = try OutdialTables.targets.load(row["id"], in: turn) else { continue }
            try record(target.state.resume(), on: target, context)
        }
        guard let last = rows.last else { return }
        touch(outdial, context)
        if rows.count == OutdialStep.resumeSlice {
            let key = "\(outdial) \(last["rowid"] as Int64)"
            try turn.armTimer(kind: OutdialStep.resumeTimer, key: key, at: turn.now)
        }
    }

    mutating func resumeMore(_ key: String) throws {
        let parts = key.split(separator: " ")
        guard parts.count == 2, let outdial = ID(parts[0]), let row = Int64(parts[1]) else { return }
        try resume(in: outdial, behind: row, EventContext(correlation: outdial, actor: "system"))
    }
}
