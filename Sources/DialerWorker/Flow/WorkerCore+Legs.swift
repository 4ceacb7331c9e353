import Contracts
import EventLog
import FlowEngine

/// The calls that flows place besides those of their attempts. Nobody who is on a do-not-call list is called, nor anybody
/// of whom that is not known, nor a number that an attempt of the customer has on the line.
extension WorkerCore {
    /// The most calls that one action places.
    private static let legLimit = 100

    /// Has the numbers looked up; the flow waits for that. Only numbers and sip addresses can be called. With `actions`
    /// the calls are for themselves; without, they are joined with the caller.
    mutating func ask(
        _ destinations: [Address],
        _ source: Address?,
        _ actions: [FlowAction]?,
        of run: inout FlowRun,
        _ number: Int,
        _ effects: inout WorkerEffects
    ) -> FlowOutcome? {
        let hasFlow = actions?.isEmpty == false
        let legs = destinations.prefix(WorkerCore.legLimit).enumerated()
            .filter { $0.element.type == "tel" || $0.element.type == "sip" }
            .map { run.leg(to: $0.element, source: source, order: number, index: $0.offset, hasFlow: hasFlow) }
        guard !legs.isEmpty else { return .failed(reason: "there is nobody to call") }
        run.asked = FlowRun.AskedLegs(number: number, legs: legs, actions: actions)
        run.waiting = .order(number)
        effects.checks.append(LegCheck(attempt: run.command.attempt, number: number, legs: legs))
        return nil
    }

    /// Places what may be placed, kept before it is; nothing for a flow that is over.
    mutating func placeLegs(
        of attempt: ID,
        _ number: Int,
        _ answers: [ID: NumberScreening],
        _ drafts: inout Drafts,
        _ effects: inout WorkerEffects,
        _ turn: Turn
    ) throws {
        guard var run = flows[attempt], let asked = run.asked, asked.number == number,
            run.waiting == .order(number)
        else { return }
        run.asked = nil
        var placed: [CallLeg] = []
        var refused: [String] = []
        for leg in asked.legs {
            let obstacle = obstacle(to: leg, of: run, answers[leg.command.attempt] ?? .unanswered)
            if let reason = obstacle ?? (asked.actions != nil && free == 0 ? LegRefusal.noChannel : nil) {
                refused.append(reason)
                let note = FlowNote.legRefused(
                    attempt: run.owner,
                    leg: leg.command.attempt,
                    destination: leg.command.destination,
                    reason: reason
                )
                try decide(.note(note), run.owner, nil, &drafts, turn)
                continue
            }
            let note = FlowNote.legPlaced(
                attempt: run.owner,
                leg: leg.command.attempt,
                destination: leg.command.destination
            )
            try decide(.note(note), run.owner, nil, &drafts, turn)
            placed.append(leg)
            if let actions = asked.actions { occupy(leg, actions, of: run) }
        }
        let what: CallOrder.What = asked.actions == nil ? .connect(placed) : .call(placed)
        if !placed.isEmpty { effects.orders.append(CallOrder(attempt: attempt, number: number, what: what)) }
        // Who is connected is waited for.
        if asked.actions != nil || placed.isEmpty {
            let result = LegRefusal.result(placed: placed.count, refused)
            let outcome: FlowOutcome = asked.actions == nil ? .connected(result: result) : .done(result: result)
            try resume(&run, outcome, &drafts, &effects, turn)
        }
        if flows[attempt] != nil { flows[attempt] = run }
    }

    private func obstacle(to leg: CallLeg, of run: FlowRun, _ screening: NumberScreening) -> String? {
        let attempt = flows[run.owner] ?? run
        switch screening {
        case .listed: return LegRefusal.listed
        case .notAsked, .unanswered: return LegRefusal.unchecked
        // The flow of an attempt without a call may call its own target.
        case .busy(let holder) where holder != run.owner || attempt.hasCall: return LegRefusal.numberBusy
        case .busy, .clear:
            let isOwn =
                DialedNumber.key(of: leg.command.destination) == DialedNumber.key(of: attempt.command.destination)
            return isOwn && attempt.hasCall ? LegRefusal.numberBusy : nil
        }
    }

    /// A call for itself has a channel and, with actions, a flow of its own.
    private mutating func occupy(_ leg: CallLeg, _ actions: [FlowAction], of run: FlowRun) {
        legs[leg.command.attempt] = run.owner
        inUse += 1
        guard !actions.isEmpty else { return }
        flows[leg.command.attempt] = FlowRun(command: leg.command, owner: run.owner, actions: actions)
    }

    /// What the provider says of a call that a flow placed.
    mutating func followLeg(_ report: CallReport, _ drafts: inout Drafts, _ turn: Turn) throws {
        guard let owner = legs[report.attempt], case .ended(let reason, _) = report.what else { return }
        legs[report.attempt] = nil
        inUse -= 1
        let note = FlowNote.legEnded(attempt: owner, leg: report.attempt, reason: reason.rawValue)
        try decide(.note(note), owner, nil, &drafts, turn)
    }
}

/// Why a call of a flow was not placed, in the words of the run's `executed_actions`.
enum LegRefusal {
    static let listed = "do_not_call"
    /// Nobody could tell in time whether it is on a list.
    static let unchecked = "unchecked"
    static let noChannel = "no_channel"
    /// An attempt of the customer has a call to it.
    static let numberBusy = "number_busy"

    /// `begun`, one reason, or how many of which: `2 begun, 1 do_not_call`.
    static func result(placed: Int, _ refused: [String]) -> String {
        if refused.isEmpty { return "begun" }
        let counts = Dictionary(grouping: refused) { $0 }.mapValues(\.count).sorted { $0.key < $1.key }
        if placed == 0, counts.count == 1 { return counts[0].key }
        let all = (placed > 0 ? [(key: "begun", value: placed)] : []) + counts
        return all.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}
