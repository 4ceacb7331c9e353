import CampaignManager
import Contracts
import DialerWorker
import OutdialManager
import Service

/// What is under way between the daemons beside the queues: requests, their answers, and the beats of clocks.
enum Errand {
    /// Campaign-manager's clock.
    case tick
    case wake(generation: Int)
    /// A worker says that it lives.
    case status(Int)
    case register(Int, generation: Int)
    case restart(Int)
    /// A request of campaign-manager reaches outdial-manager.
    case ask(Question, generation: Int)
    /// Its answer reaches campaign-manager.
    case answer([CampaignInput], generation: Int)
    /// The customer asks again for what was refused for the moment.
    case start(campaign: ID, tries: Int)
    /// A command reaches the other engine, or comes back unheard.
    case engineTakes(DialCommand)
    /// A report of the other engine reaches campaign-manager's queue.
    case engineReports(CallEvent)
    /// The broker tells campaign-manager, whichever process of it is there.
    case told([CampaignInput])
    /// Something that a flow waits for is done.
    case tellWorker(Int, WorkerInput, generation: Int)
    /// The numbers that a flow wants to call are looked up.
    case screen(Int, LegCheck, generation: Int)
}

/// What campaign-manager asks outdial-manager.
enum Question {
    case lease(LeaseRequest)
    case claimNext(NextClaim)
    case reclaim(campaign: ID, run: Int64, customer: ID, outdial: ID, plan: DialPlan)
    /// The first half of a start is done.
    case claimStart(Request, claim: JSONValue, customer: ID, tries: Int)
    /// Every claim, then the open leases of each.
    case claims
    case openLeases(rest: [ClaimReport], known: [ClaimReport])

    /// What campaign-manager takes when nobody answers in time.
    var silence: [CampaignInput] {
        switch self {
        case .lease(let request): [.leased(request, .unknown)]
        case .claimNext(let claim): [.nextClaimed(claim, .unknown)]
        case .claimStart(let request, _, _, _): [.startFailed(campaign: request.params["id"].id ?? .none)]
        case .reclaim, .claims, .openLeases: []
        }
    }
}

extension World {
    func ask(_ effect: CampaignEffect) {
        switch effect {
        case .lease(let request): send(.lease(request))
        case .claimNext(let claim): send(.claimNext(claim))
        case .reclaim(let campaign, let run, let customer, let outdial, let plan):
            send(.reclaim(campaign: campaign, run: run, customer: customer, outdial: outdial, plan: plan))
        case .reconcile: send(.claims)
        case .dial(let command): publish(command)
        // No customer has a webhook.
        case .ignored, .webhooksChanged: break
        case .wake(let due): pending.append(Pending(due: max(now, due), what: .wake(generation: campaigns.generation)))
        }
    }

    private static let timeout = Milliseconds(3_000)

    /// Sends a request on its way: it arrives, is lost, or arrives when nobody waits for its answer any more.
    func send(_ question: Question) {
        let generation = campaigns.generation
        if strikes(profile.losses) {
            pending.append(Pending(due: now + World.timeout, what: .answer(question.silence, generation: generation)))
            guard draw(2) == 0 else { return }
            // Nobody hears its answer: -1 is no process.
            return pending.append(Pending(due: later(1...6_000), what: .ask(question, generation: -1)))
        }
        pending.append(Pending(due: later(0...(isCruel ? 300 : 2)), what: .ask(question, generation: generation)))
    }

    func run(_ errand: Errand) throws {
        switch errand {
        case .tick:
            pending.append(Pending(due: later(700...1_300), what: .tick))
            try tell([.tick(isConnected: true)])
        case .wake(let generation):
            if generation == campaigns.generation { try tell([.tick(isConnected: true)]) }
        case .status(let index):
            pending.append(Pending(due: now + 5_000, what: .status(index)))
            if !strikes(profile.losses) { sayStatus(index) }
        case .register(let index, let generation): try register(index, generation)
        case .restart(let index):
            try workers[index].restart(seed: random.next(), now: now)
            note("worker \(index + 1) is back")
            pending.append(Pending(due: now, what: .register(index, generation: workers[index].generation)))
        case .ask(let question, let generation): try answer(question, generation)
        case .answer(let inputs, let generation):
            if generation == campaigns.generation { try tell(inputs) }
        case .start(let campaign, let tries): try start(campaign, tries: tries)
        case .engineTakes(let dial): engineTakes(dial)
        case .engineReports(let event): post(.call(event), to: names.inbox(.campaign))
        case .told(let inputs): try tell(inputs)
        case .tellWorker(let index, let input, let generation):
            if isAlive(index, generation) { try command(index, [input]) }
        case .screen(let index, let check, let generation):
            if isAlive(index, generation) { try screen(index, check) }
        }
    }

    private func isAlive(_ index: Int, _ generation: Int) -> Bool {
        workers[index].generation == generation && workers[index].isRunning
    }

    private func register(_ index: Int, _ generation: Int) throws {
        let worker = workers[index]
        guard worker.generation == generation, worker.isRunning, !worker.isAccepted else { return }
        if strikes(profile.losses) {
            return pending.append(Pending(due: now + 1_000, what: .register(index, generation: generation)))
        }
        let reply = Locked<Reply?>(nil)
        let request = Request(
            method: "worker.register",
            customerID: .none,
            actor: "dialer-worker/\(worker.name)",
            correlation: worker.ids.next(at: now),
            params: worker.status(isRegistration: true).json
        )
        try tell([.request(request, answer: { reply.value = $0 })])
        switch reply.value {
        case .result where !strikes(profile.losses): try command(index, [.accepted(process: worker.process)])
        case .refused(let refusal) where refusal.reason == Request.journalRefused:
            carrier.problems.append("the journal of worker \(worker.name) was refused: \(refusal.message)")
        default: pending.append(Pending(due: now + 1_000, what: .register(index, generation: generation)))
        }
        if worker.isAccepted { sayStatus(index) }
    }

    // MARK: - Outdial-manager's side

    private func answer(_ question: Question, _ generation: Int) throws {
        var inputs: [CampaignInput]
        switch question {
        case .lease(let request):
            let asked = self.request(
                "outdial.lease",
                request.customer,
                request.id,
                [
                    "outdial_id": .id(request.outdial), "campaign_id": .id(request.campaign),
                    "run": .integer(request.run), "request_id": .id(request.id), "count": .integer(request.count),
                ]
            )
            if strikes(profile.losses) { _ = try outdials.request(asked, at: now) }
            inputs = [.leased(request, try leaseAnswer(try outdials.request(asked, at: now)))]
        case .claimNext(let claim):
            let reply = try self.claim(claim.outdial, for: claim.next, claim.run, claim.customer, claim.plan.json)
            inputs = [.nextClaimed(claim, claimAnswer(reply))]
        case .reclaim(let campaign, let run, let customer, let outdial, let plan):
            _ = try self.claim(outdial, for: campaign, run, customer, plan.json)
            return
        case .claimStart(let request, let claim, let customer, let tries):
            return try finishStart(request, claim, customer, tries, generation)
        case .claims:
            let reply = try outdials.request(self.request("outdial.claims", .none, client.next(now), [:]), at: now)
            let claims = try reply.get().requireArray("claims").map {
                ClaimReport(
                    outdial: try $0.requireID("outdial_id"),
                    campaign: try $0.requireID("campaign_id"),
                    run: try $0.requireInteger("run"),
                    leases: []
                )
            }
            return again(.openLeases(rest: claims, known: []), generation)
        case .openLeases(let rest, let known):
            guard var report = rest.first else {
                inputs = known.map { .reconcile($0) }
                break
            }
            report.leases = try openLeases(of: report.outdial)
            return again(.openLeases(rest: Array(rest.dropFirst()), known: known + [report]), generation)
        }
        if strikes(profile.losses) { inputs = question.silence }
        pending.append(Pending(due: later(0...(isCruel ? 300 : 2)), what: .answer(inputs, generation: generation)))
    }

    private func again(_ question: Question, _ generation: Int) {
        pending.append(Pending(due: later(0...(isCruel ? 50 : 1)), what: .ask(question, generation: generation)))
    }

    func request(_ method: String, _ customer: ID, _ correlation: ID, _ params: JSONValue) -> Request {
        Request(method: method, customerID: customer, actor: "test", correlation: correlation, params: params)
    }

    private func claim(
        _ outdial: ID,
        for campaign: ID,
        _ run: Int64,
        _ customer: ID,
        _ plan: JSONValue
    ) throws -> Reply {
        let params: JSONValue = [
            "outdial_id": .id(outdial), "campaign_id": .id(campaign), "run": .integer(run), "plan": plan,
        ]
        return try outdials.request(request("outdial.claim", customer, client.next(now), params), at: now)
    }

    private func claimAnswer(_ reply: Reply) -> ClaimAnswer {
        switch reply {
        case .result: .granted
        case .refused(let refusal): .refused(refusal)
        }
    }

    private func leaseAnswer(_ reply: Reply) throws -> LeaseAnswer {
        switch reply {
        case .refused(let refusal): return refusal.reason == "STATE_INVALID" ? .claimLost : .unknown
        case .result(let answer):
            return .leases(
                try answer.requireArray("leases").map { try Lease(json: $0) },
                isExhausted: try answer.requireBool("exhausted")
            )
        }
    }

    private func openLeases(of outdial: ID) throws -> [ClaimReport.OpenLease] {
        let asked = request("outdial.open_leases", .none, client.next(now), ["outdial_id": .id(outdial)])
        return try outdials.request(asked, at: now).get().requireArray("leases").map {
            ClaimReport.OpenLease(
                lease: try Lease(json: $0),
                campaign: try $0.requireID("campaign_id"),
                run: try $0.requireInteger("run")
            )
        }
    }

    // MARK: - Do-not-call lists

    /// The items as a worker takes them: right before, it has asked whether the numbers are on a do-not-call list.
    func screened(_ items: [Item]) throws -> [Item] {
        let commands = items.compactMap { if case .dial(let command) = $0.body { command } else { nil } }
        guard !commands.isEmpty else { return items }
        let answers = try screening(of: commands)
        return items.map { item in
            guard case .dial(var command) = item.body else { return item }
            command.screening = answers(command.attempt)
            return Item(id: item.id, correlation: item.correlation, body: .dial(command))
        }
    }

    /// What outdial-manager says of the numbers of `commands`, by their attempts.
    func screening(of commands: [DialCommand], areLegs: Bool = false) throws -> (ID) -> NumberScreening {
        let checks = commands.map { command -> JSONValue in
            [
                "attempt_id": .id(command.attempt), "customer_id": .id(command.customer),
                "destination": command.destination.json, "is_leg": .bool(areLegs),
            ]
        }
        let asked = request("dnc.check", .none, client.next(now), ["checks": .array(checks)])
        let answer = strikes(profile.losses) ? JSONValue.null : try outdials.request(asked, at: now).get()
        let listed = answer["listed"].array.map { Set($0.compactMap(\.id)) }
        return { attempt in
            guard let listed else { return .unanswered }
            if listed.contains(attempt) { return .listed([]) }
            return answer["held"][attempt.description].id.map { .busy(by: $0) } ?? .clear([])
        }
    }

    // MARK: - Starts

    /// The customer starts a campaign: two turns of campaign-manager with the claim between them.
    func start(_ campaign: ID, tries: Int = 0) throws {
        let request = self.request("campaign.status", client.customer, client.next(now), ["id": .id(campaign)])
        let reply = Locked<Reply?>(nil)
        try tell([.prepareStart(request, answer: { reply.value = $0 })])
        guard case .result(let claim) = reply.value, claim["is_running"].bool != true else { return }
        send(.claimStart(request, claim: claim, customer: client.customer, tries: tries))
    }

    private func finishStart(
        _ request: Request,
        _ claim: JSONValue,
        _ customer: ID,
        _ tries: Int,
        _ generation: Int
    ) throws {
        guard let campaign = request.params["id"].id, let run = claim["run"].integer else { return }
        let reply = try self.claim(
            try claim.requireID("outdial_id"),
            for: campaign,
            run,
            customer,
            claim["plan"]
        )
        guard generation == campaigns.generation else { return }
        if case .refused(let refusal) = reply {
            if refusal.reason == "OUTDIAL_IN_USE", tries < 5 {
                pending.append(Pending(due: now + 100, what: .start(campaign: campaign, tries: tries + 1)))
            }
            return try tell([.startFailed(campaign: campaign)])
        }
        let started = Locked<Reply?>(nil)
        try tell([.start(request, run: run, answer: { started.value = $0 })])
        if case .refused = started.value { try tell([.startFailed(campaign: campaign)]) }
    }
}
