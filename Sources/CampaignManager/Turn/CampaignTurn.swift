import CampaignDomain
package import Contracts
package import EventLog
import GRDB
import Service

/// Campaign-manager's writer turn: applies every input, then gives each running campaign that changed its permits.
///
/// A plain synchronous function of the log and the inputs. What it remembers between turns (who was asked for targets,
/// who was heard last, rate tokens) can be lost without harm: reconciliation finds what it stood for.
package final class CampaignTurn {
    package struct Settings: Sendable {
        /// How long a lost worker's journal may take to answer: `CARILLON_SETTLE_TIMEOUT`.
        package var settleTimeout: Milliseconds = 30_000
        /// `CARILLON_MAX_TALK_TIME`.
        package var maximumTalkTime: Milliseconds = 3_600_000
        /// From the assignment to the last moment of placing the call.
        package var startWithin: Milliseconds = 30_000
        /// Other people's dialing engines, and who may report calls.
        package var engines = EngineRoutes()

        package init() {}
    }

    let settings: Settings
    var memory = Memory()

    /// What is remembered between turns.
    struct Memory {
        /// Campaigns that wait for an answer to their one lease request.
        var pending: [ID: LeaseRequest] = [:]
        /// Campaigns that got fewer targets than they asked for; outdial-manager tells when there are more.
        var wishing: Set<ID> = []
        /// Campaigns that outdial-manager told something while their lease request was under way. Its answer may be the
        /// older news of the two, since requests and messages take different ways: they ask once more after it.
        var toldWhilePending: Set<ID> = []
        /// Campaigns to ask for again at the next tick, whatever they wish.
        var recheck: Set<ID> = []
        var lastFullRecheck = Timestamp(microseconds: 0)
        /// Campaigns between the two halves of a start.
        var starting: Set<ID> = []
        /// Campaigns that have ended and whose follower's claim is under way.
        var following: Set<ID> = []
        var buckets: [ID: TokenBucket] = [:]
        var lastHeard: [ID: Timestamp] = [:]
        /// Since when messages can arrive; nil while they cannot.
        var connectedSince: Timestamp?
        var lastTick: Timestamp?
        var stamps = StampSource()
        var nextWake: Timestamp?
        var hasReconciled = false
        /// What campaigns run on their calls.
        var programs = ProgramCache()
        /// The agents who can be rung.
        var roster = AgentRoster()
        /// Whether those who waited when this process began were looked at.
        var hasMatched = false
        /// What campaigns that share a queue got and have not made calls of yet.
        var held: [ID: [CampaignStep.HeldLeases]] = [:]
        /// When campaigns with a queue asked for the targets that they wait for.
        var askedAt: [ID: Timestamp] = [:]
        /// When each campaign with a queue made its last call: who did so longest ago is next.
        var lastDialed: [ID: Timestamp] = [:]
    }

    package init(settings: Settings = Settings()) { self.settings = settings }

    /// Runs one turn; the effects are to be done after its commit.
    package func run(
        _ turn: Turn,
        _ inputs: [CampaignInput],
        perform: @escaping @Sendable ([CampaignEffect]) -> Void
    ) throws {
        var step = CampaignStep(turn: turn, settings: settings, memory: memory)
        try step.fireTimers()
        try step.fireQueueTimers()
        try turn.pruneAnswers()
        for input in inputs { try step.take(input) }
        try step.watchWorkers()
        try step.matchQueues()
        try step.pace()
        try step.writeSeen()
        memory = step.memory
        if !step.ignored.counts.isEmpty { step.effects.append(.ignored(step.ignored)) }
        let effects = step.effects
        if !effects.isEmpty { turn.afterCommit { perform(effects) } }
    }
}

/// The work of one turn.
struct CampaignStep {
    typealias LoadedCampaign = AggregateTable<Campaign>.Loaded
    typealias LoadedCall = AggregateTable<Campaigncall>.Loaded

    let turn: Turn
    let settings: CampaignTurn.Settings
    var memory: CampaignTurn.Memory
    var effects: [CampaignEffect] = []
    /// Campaigns whose permits may have changed.
    var touched: Set<ID> = []
    /// A worker came, went or has a channel again: every running campaign may dial more.
    var capacityChanged = false
    /// The highest position of each journal that this turn heard of.
    var seen: [ID: Int64] = [:]
    /// Reports of calls that changed nothing in this turn.
    var ignored = IgnoredReports()
    /// Queues with callers who may get an agent now.
    var waitingQueues: Set<ID> = []

    init(turn: Turn, settings: CampaignTurn.Settings, memory: CampaignTurn.Memory) {
        self.turn = turn
        self.settings = settings
        self.memory = memory
    }

    /// For queries; single aggregates are loaded from the turn, which need not write its rows for that.
    var db: Database { get throws { try turn.database } }
    var now: Timestamp { turn.now }

    static let attemptTimer = "attempt"
    /// Ticks come every second; a longer pause is our own.
    private static let longestTick: Milliseconds = 5_000

    mutating func take(_ input: CampaignInput) throws {
        switch input {
        case .request(let request, let answer):
            let turn = turn
            let reply = try turn.once(request) { try Reply { try perform(request) } }
            turn.afterCommit { answer(reply) }
        case .prepareStart(let request, let answer): try reply(to: answer) { step in try step.prepareStart(request) }
        case .start(let request, let run, let answer):
            try reply(to: answer) { step in try step.start(request, run: run) }
        case .startFailed(let campaign): memory.starting.remove(campaign)
        case .message(let content, let acknowledge):
            switch content {
            case .items(let items): for item in items { try apply(item) }
            case .callEvents(let events): for event in events { try apply(event) }
            }
            turn.afterCommit(acknowledge)
        case .leased(let request, let answer): try take(answer, to: request)
        case .reconcile(let report): try reconcile(report)
        case .commandFailed(let attempt, let failure): try commandFailed(attempt, failure)
        case .undelivered(let attempt, let reason, let acknowledge):
            try comeBackUndelivered(attempt, because: reason)
            turn.afterCommit(acknowledge)
        case .nextClaimed(let claim, let answer): try take(answer, to: claim)
        case .tick(let isConnected): try tick(isConnected: isConnected)
        }
    }

    /// Asks again for those whose request got no answer, and for everybody twice a minute: a notice may have been lost.
    private mutating func tick(isConnected: Bool) throws {
        // A pause of our own (the process was suspended) counts like a lost connection: the messages of that time wait.
        if let last = memory.lastTick, now - last > CampaignStep.longestTick { memory.connectedSince = nil }
        memory.lastTick = now
        if !isConnected {
            memory.connectedSince = nil
        } else if memory.connectedSince == nil {
            memory.connectedSince = now
            memory.lastHeard.removeAll()
        }
        if let wake = memory.nextWake, wake <= now { memory.nextWake = nil }
        if now - memory.lastFullRecheck >= 30_000 {
            memory.lastFullRecheck = now
            memory.wishing.removeAll()
            effects.append(.reconcile)
            try confirmExhaustions()
        }
        memory.wishing.subtract(memory.recheck)
        memory.recheck.removeAll()
        capacityChanged = true
        try startFollowers()
    }

    private mutating func reply(
        to answer: @escaping @Sendable (Reply) -> Void,
        _ work: (inout CampaignStep) throws -> JSONValue
    ) throws {
        let reply = try Reply { try work(&self) }
        turn.afterCommit { answer(reply) }
    }

    // MARK: - Recording

    func campaign(_ id: ID) throws -> LoadedCampaign? { try CampaignTables.campaigns.load(id, in: turn) }

    @discardableResult
    mutating func record(
        _ events: [CampaignEvent],
        on loaded: LoadedCampaign,
        _ context: EventContext
    ) throws -> LoadedCampaign {
        guard !events.isEmpty else { return loaded }
        touched.insert(loaded.id)
        if events.contains(where: { if case .updated = $0 { true } else { false } }) {
            memory.programs.forget(campaign: loaded.id)
        }
        let updated = try CampaignTables.campaigns.record(
            events,
            on: loaded.id,
            current: loaded,
            context: context,
            in: turn
        )
        if !updated.state.isDialing {
            memory.wishing.remove(loaded.id)
            memory.buckets[loaded.id] = nil
            memory.lastDialed[loaded.id] = nil
        }
        return updated
    }

    @discardableResult
    mutating func record(
        _ events: [CampaigncallEvent],
        on loaded: LoadedCall,
        _ context: EventContext
    ) throws -> LoadedCall {
        guard !events.isEmpty else { return loaded }
        let updated = try CampaignTables.calls.record(
            events,
            on: loaded.id,
            current: loaded,
            context: context,
            in: turn
        )
        try follow(loaded.state, updated.state)
        return updated
    }

    /// Keeps the deadline of an attempt in step with its phase, and looks at its campaign when it is over.
    private mutating func follow(_ before: Campaigncall, _ after: Campaigncall) throws {
        let key = after.assignment.id.description
        if after.phase == .done, before.phase != .done {
            try turn.cancelTimer(kind: CampaignStep.attemptTimer, key: key)
            try endQueuecall(of: after)
            touched.insert(after.assignment.campaign)
            capacityChanged = true
            try endFlow(of: after)
        } else if after.isSettling, !before.isSettling {
            try turn.armTimer(kind: CampaignStep.attemptTimer, key: key, at: now + settings.settleTimeout)
        } else if after.isOpen, after.phase != before.phase || after.isSettling != before.isSettling {
            try turn.armTimer(kind: CampaignStep.attemptTimer, key: key, at: deadline(of: after))
        }
        if before.isSettling, !after.isSettling, after.isOpen, !after.queuecall.isNone {
            try lookAgain(at: after.queuecall)
        }
    }

    // MARK: - Deadlines

    /// An overdue attempt is asked for at its journal; one that was asked for in vain is over, outcome unknown.
    mutating func fireTimers() throws {
        try endDrains()
        for timer in turn.dueTimers where timer.kind == CampaignStep.attemptTimer {
            guard let id = ID(timer.key), let call = try CampaignTables.calls.load(id, in: turn) else { continue }
            let context = EventContext(correlation: id, actor: "system")
            guard call.state.isSettling || !call.state.assignment.engine.isEmpty else {
                try record(call.state.settle(because: "no report by the deadline"), on: call, context)
                continue
            }
            if let later = earliestAbandon {
                try turn.armTimer(kind: CampaignStep.attemptTimer, key: timer.key, at: later)
            } else {
                try record(call.state.abandon(at: now), on: call, context)
            }
        }
    }

    /// When an unanswered attempt may be given up, if not now: a journal has its full time while messages can arrive.
    private var earliestAbandon: Timestamp? {
        guard let since = memory.connectedSince else { return now + 1_000 }
        let earliest = since + settings.settleTimeout
        return now < earliest ? earliest : nil
    }
}
