import Contracts
package import EventLog
import GRDB
import OutdialDomain
import Service

/// Outdial-manager's writer turn: decides every input against the rows, records the events, answers after the commit.
///
/// A plain synchronous function of the log and the inputs; what it remembers between turns can be lost without harm.
package final class OutdialTurn {
    private var stamps = StampSource()
    private let clock: CallingClock

    /// - Parameter zones: the rules of time zones, for calling windows.
    package init(zones: ZoneFiles = ZoneFiles()) { clock = CallingClock(zones: zones) }

    /// The timer that tells a wishing claimant that a retry has become due.
    static let readyTimer = "outdial_ready"

    package func run(_ turn: Turn, _ inputs: [OutdialInput]) throws {
        var step = OutdialStep(turn: turn, stamps: stamps, clock: clock)
        for input in inputs {
            switch input {
            case .request(let request, let answer):
                let reply = try step.answer(request)
                turn.afterCommit { answer(reply) }
            case .message(let items, let acknowledge):
                for item in items { try step.apply(item) }
                turn.afterCommit(acknowledge)
            }
        }
        try turn.pruneAnswers()
        for timer in turn.dueTimers {
            switch timer.kind {
            case OutdialTurn.readyTimer: if let outdial = ID(timer.key) { step.touch(outdial) }
            case OutdialStep.numberTimer: try step.wakeMore(timer.key)
            case OutdialStep.resumeTimer: try step.resumeMore(timer.key)
            default: break
            }
        }
        try step.notifyClaimants()
        stamps = step.stamps
    }
}

/// The work of one turn.
struct OutdialStep {
    typealias LoadedOutdial = AggregateTable<Outdial>.Loaded
    typealias LoadedTarget = AggregateTable<Target>.Loaded

    let turn: Turn
    var stamps: StampSource
    let clock: CallingClock
    /// Outdials whose targets changed: their claimants may have to be told.
    private var touched: [ID: EventContext] = [:]

    init(turn: Turn, stamps: StampSource, clock: CallingClock) {
        self.turn = turn
        self.stamps = stamps
        self.clock = clock
    }

    /// For queries; single aggregates are loaded from the turn, which need not write its rows for that.
    var db: Database { get throws { try turn.database } }

    mutating func touch(_ outdial: ID, _ context: EventContext? = nil) {
        touched[outdial] = context ?? touched[outdial] ?? EventContext(correlation: outdial, actor: "system")
    }

    func outdial(_ id: ID, of customer: ID? = nil) throws -> LoadedOutdial? {
        guard let loaded = try OutdialTables.outdials.load(id, in: turn) else { return nil }
        return customer == nil || loaded.state.customer == customer ? loaded : nil
    }

    @discardableResult
    func record(_ events: [OutdialEvent], on loaded: LoadedOutdial, _ context: EventContext) throws -> LoadedOutdial {
        guard !events.isEmpty else { return loaded }
        return try OutdialTables.outdials.record(events, on: loaded.id, current: loaded, context: context, in: turn)
    }

    @discardableResult
    func record(_ events: [TargetEvent], on loaded: LoadedTarget, _ context: EventContext) throws -> LoadedTarget {
        guard !events.isEmpty else { return loaded }
        return try OutdialTables.targets.record(events, on: loaded.id, current: loaded, context: context, in: turn)
    }

    // MARK: - What campaign-manager tells

    mutating func apply(_ item: Item) throws {
        guard try turn.admit(item.id, consumer: "inbox") else { return }
        let context = EventContext(correlation: item.correlation, causation: item.id, actor: Manager.campaign.rawValue)
        switch item.body {
        case .attemptFinished(let finished): try finish(finished, context)
        case .claimReleased(let outdial, let campaign, let run):
            try release(outdial, campaign: campaign, run: run, context)
        case .planChanged(let outdial, let campaign, let run, let plan):
            guard let loaded = try self.outdial(outdial) else { return }
            let events = loaded.state.change(plan: plan, campaign: campaign, run: run)
            try record(events, on: loaded, context)
            touch(outdial, context)
            if let former = loaded.state.plan, !events.isEmpty { try judgeAnew(outdial, former, plan, context) }
        case .optOut(let wish): try take(wish, context)
        default: break
        }
    }

    /// Ends a claim, and no lease: only the end of its attempt does that. Its message may still be under way (messages of
    /// one queue can overtake each other when a confirm is lost), and what campaign-manager has never heard of it finds
    /// by asking, and gives back.
    private mutating func release(_ id: ID, campaign: ID, run: Int64, _ context: EventContext) throws {
        guard let loaded = try outdial(id) else { return }
        let events = loaded.state.release(campaign: campaign, run: run)
        if !events.isEmpty {
            try record(events, on: loaded, context)
            try turn.cancelTimer(kind: OutdialTurn.readyTimer, key: id.description)
        }
    }

    func openLeases(of outdial: ID) throws -> [LoadedTarget] {
        try OutdialTables.targets.fetch(
            "INDEXED BY target_leased WHERE outdial_id = ? AND bucket = 'progressing'",
            [outdial],
            in: db
        )
    }

    // MARK: - What the claimant is told

    /// Looks at every touched outdial once: is there work for a wishing claimant, will there ever be, and when.
    mutating func notifyClaimants() throws {
        for (id, context) in touched {
            guard let loaded = try outdial(id), loaded.state.claim != nil else { continue }
            let counts = try TargetCounts(of: id, in: db)
            let nextDue = loaded.state.isWishing ? try TargetSelection.nextDue(in: id, db) : nil
            let hasEligible = nextDue.map { $0 <= turn.now } ?? false
            let notices = loaded.state.notice(
                hasEligible: hasEligible,
                idle: counts.idle,
                progressing: counts.progressing
            )
            try record(notices, on: loaded, context)
            if loaded.state.isWishing, !hasEligible, let nextDue {
                try turn.armTimer(kind: OutdialTurn.readyTimer, key: id.description, at: nextDue)
            }
        }
        touched.removeAll()
    }
}
