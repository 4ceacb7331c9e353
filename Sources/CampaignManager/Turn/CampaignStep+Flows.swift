import CampaignDomain
import Contracts
import Crypto
import EventLog
import GRDB

/// Programs, which workers are given before the attempts that run them, and the runs that workers tell of.
extension CampaignStep {
    // MARK: - Programs

    /// What the attempts of a campaign run, as its actions and flows are now; nil when they are just calls.
    mutating func program(of campaign: Campaign) throws -> Program? {
        guard campaign.settings.hasProgram else { return nil }
        if let known = memory.programs.program(of: campaign.id) { return known }
        let source = try source(of: campaign)
        guard let program = CampaignStep.program(of: source) else { return nil }
        memory.programs.keep(program, of: campaign.id, flows: source.named, size: source.size)
        return program
    }

    func source(of campaign: Campaign) throws -> ProgramSource {
        try ProgramSource(campaign) { try actions(of: $0, customer: campaign.customer) }
    }

    /// Of a flow of the customer that is not deleted.
    private func actions(of flow: ID, customer: ID) throws -> [JSONValue]? {
        let flow = try CampaignTables.flows.load(flow, in: turn)?.state
        return flow?.customer == customer && flow?.deletedAt == nil ? flow?.settings.actions : nil
    }

    /// Throws when what a flow is to do comes to too much with the flows that it names.
    func checkSize(of actions: [JSONValue], flow id: ID, customer: ID) throws {
        try ProgramSource(actions: actions) { named in
            named == id ? actions : try self.actions(of: named, customer: customer)
        }.requireSize(field: "actions")
    }

    /// Throws when `events` give a campaign more to do than a program may hold.
    func checkSize(of campaign: Campaign?, after events: [CampaignEvent]) throws {
        var changed = campaign
        for event in events { Campaign.evolve(&changed, event, at: now) }
        guard let changed, changed.settings.hasProgram else { return }
        let (settings, before) = (changed.settings, campaign?.settings)
        guard settings.actions != before?.actions ?? [] || settings.flow != before?.flow ?? .none else { return }
        try source(of: changed).requireSize(field: settings.actions.isEmpty ? "flow_id" : "actions")
    }

    private static func program(of source: ProgramSource) -> Program? {
        // Half of the digest, marked as an id of no other version.
        let digest = Array(SHA256.hash(data: source.content).prefix(16))
        guard let id = ID(bytes: digest) else { return nil }
        return source.program(id: ID(high: id.high & ~0xF000 | 0x8000, low: id.low & ~(0b11 << 62) | 0b10 << 62))
    }

    /// Has an attempt run `program`, which its worker is given first.
    mutating func assign(
        _ program: Program?,
        to assignment: inout Campaigncall.Assignment,
        _ lease: Lease,
        _ context: EventContext
    ) throws {
        // Other engines run no flows.
        guard let program, let worker = try CampaignTables.workers.load(assignment.journal, in: turn) else { return }
        assignment.program = program.id
        assignment.profile = lease.profile
        let events = worker.state.give(program, id: program.id)
        guard !events.isEmpty else { return }
        _ = try CampaignTables.workers.record(events, on: worker.id, current: worker, context: context, in: turn)
    }

    /// A journal has refused an attempt because it does not have its program: the next attempt brings it again.
    mutating func giveAgain(_ attempt: ID, _ journal: ID, _ item: Item) throws {
        guard let call = try CampaignTables.calls.load(attempt, in: turn)?.state, call.assignment.journal == journal,
            call.isOpen, let campaign = try campaign(call.assignment.campaign)?.state,
            let program = try program(of: campaign), program.id == call.assignment.program,
            let worker = try CampaignTables.workers.load(journal, in: turn)
        else { return }
        let context = EventContext(correlation: item.correlation, causation: item.id, actor: "system")
        _ = try CampaignTables.workers.record(
            worker.state.giveAgain(program),
            on: worker.id,
            current: worker,
            context: context,
            in: turn
        )
    }

    // MARK: - Activeflows

    mutating func hear(_ progress: FlowProgress, _ item: Item) throws {
        guard let call = try CampaignTables.calls.load(progress.attempt, in: turn)?.state,
            call.assignment.journal == progress.journal, call.assignment.activeflow == progress.activeflow
        else { return }
        see(progress.journal, progress.sequence)
        let current = try CampaignTables.activeflows.load(progress.activeflow, in: turn)
        let assignment = call.assignment
        var events = Activeflow.hear(
            progress,
            current: current?.state,
            beginning: Activeflow.Beginning(
                id: progress.activeflow,
                customer: assignment.customer,
                campaign: assignment.campaign,
                attempt: assignment.id,
                flow: assignment.flow,
                call: assignment.kind == .call ? assignment.call : .none,
                journal: assignment.journal,
                at: current == nil ? memory.stamps.next(at: now) : now
            )
        )
        guard !events.isEmpty else { return }
        // What is told after the end of its call does not bring it back.
        if current == nil, !call.isOpen, progress.status == .running, let endedAt = call.endedAt {
            let end = Activeflow.Progress(current: nil, executed: [], sequence: progress.sequence, at: endedAt)
            events.append(.ended(end))
        }
        let context = EventContext(
            correlation: item.correlation,
            causation: item.id,
            actor: "dialer-worker/\(assignment.worker)"
        )
        _ = try CampaignTables.activeflows.record(
            events,
            on: progress.activeflow,
            current: current,
            context: context,
            in: turn
        )
    }

    /// The call of a flow is over, and so is the flow.
    func endFlow(of call: Campaigncall) throws {
        guard !call.assignment.program.isNone, let endedAt = call.endedAt,
            let loaded = try CampaignTables.activeflows.load(call.assignment.activeflow, in: turn)
        else { return }
        let events = loaded.state.finish(at: endedAt)
        guard !events.isEmpty else { return }
        _ = try CampaignTables.activeflows.record(
            events,
            on: loaded.id,
            current: loaded,
            context: EventContext(correlation: call.assignment.id, actor: "system"),
            in: turn
        )
    }

    mutating func stopActiveflow(_ request: Request, _ context: EventContext) throws -> JSONValue {
        let id = try request.params.requireID("id")
        guard let loaded = try CampaignTables.activeflows.load(id, in: turn),
            loaded.state.customer == request.customerID
        else { throw Refusal.notFound("ACTIVEFLOW_NOT_FOUND", "there is no activeflow \(id)") }
        return try CampaignTables.activeflows.record(
            try loaded.state.requestStop(),
            on: id,
            current: loaded,
            context: context,
            in: turn
        ).state.resource
    }
}
