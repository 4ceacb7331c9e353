import Contracts
package import EventLog
import FlowEngine

/// The decisions of the worker: turns a batch of inputs into events of its journal and effects to carry out after the
/// commit. Synchronous, without clock, network or provider.
///
/// It remembers the live attempts; all others are looked up in the journal. A turn that fails leaves it unusable, as
/// the process ends then.
package struct WorkerCore: Sendable {
    package let worker: String
    package let channels: Int
    package private(set) var isLeaving = false
    /// Attempts that occupy a channel, as the journal has them.
    var live: [ID: AggregateTable<Attempt>.Loaded] = [:]
    /// Channels in use, those of the running turn included.
    var inUse = 0
    /// The last run of each campaign that was cancelled, 0 for none, as far as it was asked for.
    private var cancelledRuns: [ID: Int64] = [:]
    /// The flows of attempts, and of calls that they placed, by what the provider calls them.
    var flows: [ID: FlowRun] = [:]
    /// The live calls that flows placed for themselves, each with the attempt whose flow it was.
    var legs: [ID: ID] = [:]
    var programs = ProgramCache()

    package init(worker: String, channels: Int) {
        self.worker = worker
        self.channels = channels
    }

    /// Channels without a call.
    package var free: Int { max(0, channels - inUse) }

    /// How many attempts are claimed or placed and not over.
    package var liveCount: Int { inUse }

    /// Decides `inputs` and appends what follows to the journal.
    package mutating func turn(_ turn: Turn, _ inputs: [WorkerInput]) throws -> WorkerEffects {
        let before = (isFull: free == 0, isLeaving: isLeaving)
        var effects = WorkerEffects()
        var drafts = Drafts()
        for input in inputs {
            switch input {
            case .item(let item): try decide(item, &drafts, &effects, turn)
            case .delivered(let delivery): effects.acknowledge.append(delivery)
            case .report(let report): try take(report, &drafts, &effects, turn)
            case .errandDone(let attempt, let number, let outcome):
                try follow(attempt, number, FlowOutcome(outcome), &drafts, &effects, turn)
            case .tooLate(let attempt):
                flows[attempt] = nil
                try decide(.giveUpLate, attempt, nil, &drafts, turn)
            case .leave: isLeaving = true
            case .accepted(let process):
                try Journal.note(.accepted(process: process), turn)
                effects.isAccepted = true
            case .journalRefused(let reason):
                try Journal.note(.refused(reason: reason), turn)
                effects.journalRefused = reason
            case .hangUpAll:
                try record(&drafts, turn)
                effects.hangUp += (Array(live.keys) + Array(legs.keys)).sorted()
                for attempt in flows.keys.sorted() { try stopWithoutCall(attempt, &drafts, &effects, turn) }
            }
        }
        try record(&drafts, turn)
        effects.statusChanged = before != (isFull: free == 0, isLeaving: isLeaving)
        return effects
    }

    /// Ends every attempt that an earlier process left open: its provider is gone, and nobody can tell what became of
    /// them. Comes before anything else.
    package mutating func begin(_ turn: Turn) throws {
        var drafts = Drafts()
        for loaded in try Journal.attempts.fetch("WHERE live = 1 ORDER BY id", in: turn.database) {
            live[loaded.id] = loaded
            inUse += 1
            try decide(.forget, loaded.id, nil, &drafts, turn)
        }
        try record(&drafts, turn)
    }

    /// The end of a call comes after that of its flow, everything else before.
    private mutating func take(
        _ report: CallReport,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        if legs[report.attempt] != nil {
            try follow(report, &drafts, &effects, turn)
            return try followLeg(report, &drafts, turn)
        }
        guard flows[report.attempt] != nil else {
            try decide(.report(report.what), report.attempt, nil, &drafts, turn)
            return
        }
        if case .ended = report.what { try follow(report, &drafts, &effects, turn) }
        let events = try decide(.report(report.what), report.attempt, nil, &drafts, turn)
        // An answer that the attempt does not take is none.
        if case .answered = report.what, events.isEmpty { return }
        try follow(report, &drafts, &effects, turn)
    }

    /// What has no call is ended here: no provider knows of it.
    private mutating func stopWithoutCall(
        _ attempt: ID,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        if flows[attempt]?.hasCall == false { try stopFlow(attempt, &drafts, &effects, turn) }
    }

    private mutating func decide(
        _ item: Item,
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        let context = EventContext(correlation: item.correlation, causation: item.id, actor: actor)
        switch item.body {
        case .dial(let dial):
            let command = AttemptCommand.dial(
                dial,
                correlation: item.correlation,
                item: item.id,
                obstacle: try obstacle(to: dial, turn)
            )
            let events = try decide(command, dial.attempt, context, &drafts, turn)
            if case .claimed = events.first {
                prepareFlow(dial)
                effects.place.append(dial)
            }
        case .cancel(let campaign, let run):
            try record(&drafts, turn)
            let matching = live.values.filter {
                $0.state.claim?.campaign == campaign && $0.state.claim?.run == run && !$0.state.phase.isAnswered
            }
            effects.cancel += matching.map(\.id).sorted()
            // A dial command of this run that comes later (a lost confirm, a lost connection) is refused.
            if try cancelledRun(of: campaign, turn) < run {
                try Journal.note(.cancelled(campaign: campaign, run: run), turn, context)
                cancelledRuns[campaign] = run
            }
        case .settle(let attempt): try decide(.settle, attempt, context, &drafts, turn)
        case .hangup(let attempt):
            try record(&drafts, turn)
            if live[attempt] != nil {
                effects.hangUpForUs.append(attempt)
                try stopWithoutCall(attempt, &drafts, &effects, turn)
            } else {
                try decide(.hangUp, attempt, context, &drafts, turn)
            }
        case .program(let program): try Journal.keep(program, turn, context)
        case .ringAgent(let ring): try self.ring(ring, context, &drafts, &effects, turn)
        case .leaveQueue(let attempt, let queuecall, let reason):
            try leaveQueue(attempt, queuecall, reason, &drafts, &effects, turn)
        case .stopFlow(let attempt): try stopFlow(attempt, &drafts, &effects, turn)
        default: effects.unexpected.append(item.kind)
        }
    }

    private mutating func obstacle(to dial: DialCommand, _ turn: Turn) throws -> RefusalReason? {
        if try cancelledRun(of: dial.campaign, turn) >= dial.run { return .cancelled }
        if isLeaving { return .leaving }
        if free == 0 { return .noChannel }
        return try dial.program.isNone || programs.find(dial.program, turn) != nil ? nil : .noProgram
    }

    private mutating func cancelledRun(of campaign: ID, _ turn: Turn) throws -> Int64 {
        if let known = cancelledRuns[campaign] { return known }
        let run = try Journal.cancelledRun(of: campaign, turn)
        cancelledRuns[campaign] = run
        return run
    }

    private var actor: String { "worker:\(worker)" }
}

// MARK: - One attempt

extension WorkerCore {
    /// The events of a turn that are not appended yet: those of one attempt go into its stream, and its row, at once.
    struct Drafts {
        fileprivate var byAttempt: [ID: Draft] = [:]
        fileprivate var order: [ID] = []
    }

    fileprivate struct Draft {
        var base: AggregateTable<Attempt>.Loaded?
        var state: Attempt?
        var events: [AttemptEvent] = []
        var context: EventContext?
    }

    /// Decides one command; without a `context` the events belong to the command that was claimed.
    @discardableResult
    mutating func decide(
        _ command: AttemptCommand,
        _ attempt: ID,
        _ context: EventContext?,
        _ drafts: inout Drafts,
        _ turn: Turn
    ) throws -> [AttemptEvent] {
        var draft = try drafts.byAttempt[attempt] ?? load(attempt, turn)
        let events = Attempt.decide(command, draft.state, attempt: attempt, now: turn.now)
        guard !events.isEmpty else { return [] }
        let context = context ?? origin(of: draft.state, attempt)
        if draft.context != context { draft = try append(draft, to: attempt, turn) }
        let wasLive = draft.state?.phase.isLive ?? false
        for event in events { Attempt.evolve(&draft.state, event, at: turn.now) }
        let isLive = draft.state?.phase.isLive ?? false
        if wasLive != isLive { inUse += isLive ? 1 : -1 }
        draft.events += events
        draft.context = context
        if drafts.byAttempt.updateValue(draft, forKey: attempt) == nil { drafts.order.append(attempt) }
        return events
    }

    private func load(_ attempt: ID, _ turn: Turn) throws -> Draft {
        let loaded = try live[attempt] ?? Journal.attempts.load(attempt, in: turn)
        return Draft(base: loaded, state: loaded?.state)
    }

    private func origin(of state: Attempt?, _ attempt: ID) -> EventContext {
        EventContext(
            correlation: state?.claim?.correlation ?? attempt,
            causation: state?.claim?.item,
            actor: actor
        )
    }

    private mutating func record(_ drafts: inout Drafts, _ turn: Turn) throws {
        for attempt in drafts.order {
            if let draft = drafts.byAttempt[attempt] { _ = try append(draft, to: attempt, turn) }
        }
        drafts = Drafts()
    }

    /// Appends the events of a draft and answers with one that has none.
    private mutating func append(_ draft: Draft, to attempt: ID, _ turn: Turn) throws -> Draft {
        guard !draft.events.isEmpty, let context = draft.context else { return draft }
        let loaded = try Journal.attempts.record(
            draft.events,
            on: attempt,
            current: draft.base,
            context: context,
            in: turn
        )
        live[attempt] = loaded.state.phase.isLive ? loaded : nil
        return Draft(base: loaded, state: loaded.state)
    }
}
