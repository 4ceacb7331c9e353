package import Contracts

/// The live calls of the simulator and what happens on them next: a value without clock, lock or file.
///
/// Times are microseconds of a clock that the caller chooses; it never has to stand still or to be exact: what is due
/// happens in the order in which it was due, at the next call of ``advance(to:)``.
package struct SimulatedCalls: Sendable {
    private struct Call {
        var plan: CallPlan
        /// Runs a flow once it is answered: for so long at most, with this number and try.
        var flow: FlowCaller?
        var next: Step
        var isAnswered = false
        /// The due time of its entry in the agenda, and of the answer.
        var due: Int64
        var answeredAt: Int64 = 0
    }

    /// What a call's entry in the agenda stands for.
    private enum Step {
        case answerOrEnd, digits, end
    }

    package let scenario: Scenario
    private var calls: [ID: Call] = [:]
    var agenda = CallAgenda()
    /// Answered calls that run a flow.
    var parties: [ID: Party] = [:]
    var timers: [UInt64: Timer] = [:]
    var lastTimer: UInt64 = 0

    package init(scenario: Scenario) { self.scenario = scenario }

    /// Calls that have not ended.
    package var count: Int { calls.count + parties.count }

    /// When something happens next; nil when no call is live.
    package var nextDue: Int64? { agenda.nextDue }

    /// Places a call at `now`; what happens at once is in the reports of the next ``advance(to:)``.
    package mutating func place(_ command: DialCommand, at now: Int64, reports: inout [CallReport]) {
        let plan = CallPlan(
            scenario: scenario,
            number: command.destination.target,
            tryCount: command.tryCount,
            dialTimeout: command.dialTimeout,
            maximumTalkTime: command.maximumTalkTime
        )
        reports.append(CallReport(attempt: command.attempt, what: .dialing))
        if plan.isRinging { reports.append(CallReport(attempt: command.attempt, what: .ringing)) }
        let due = now + scenario.scaled(plan.ring)
        let flow = command.program.isNone ? nil : FlowCaller(command)
        calls[command.attempt] = Call(plan: plan, flow: flow, next: .answerOrEnd, due: due)
        agenda.add(command.attempt, due: due)
    }

    /// Everything that is due at `now`.
    package mutating func advance(to now: Int64, reports: inout [CallReport]) {
        while let entry = agenda.takeDue(at: now) {
            if entry.timer != 0 {
                fire(entry, &reports)
                continue
            }
            // A cancelled call leaves its entry behind.
            guard let index = calls.index(forKey: entry.attempt), calls.values[index].due == entry.due else { continue }
            switch calls.values[index].next {
            case .answerOrEnd: answerOrEnd(index, entry, &reports)
            case .digits:
                let call = calls.values[index]
                reports.append(
                    CallReport(attempt: entry.attempt, what: .digits(call.plan.conversation?.digits ?? ""))
                )
                schedule(index, entry.attempt, .end, after: call.plan.conversation?.length ?? 0)
            case .end: end(index, entry.attempt, &reports)
            }
        }
    }

    /// Ends a call that nobody has answered with `cancel`; nothing happens to answered and unknown ones.
    package mutating func cancel(_ attempt: ID, reports: inout [CallReport]) {
        guard let call = calls[attempt], !call.isAnswered else { return }
        hangUp(attempt, by: .system, reports: &reports)
    }

    /// Ends a call for us: `normal` when answered, `cancel` when not.
    package mutating func hangUp(_ attempt: ID, by party: HangupParty, reports: inout [CallReport]) {
        if endParty(attempt, .normal, party, &reports) { return }
        guard let call = calls.removeValue(forKey: attempt) else { return }
        let reason: HangupReason = call.isAnswered ? .normal : .cancel
        reports.append(CallReport(attempt: attempt, what: .ended(reason: reason, by: party)))
    }

    private mutating func answerOrEnd(
        _ index: Dictionary<ID, Call>.Index,
        _ entry: CallAgenda.Entry,
        _ reports: inout [CallReport]
    ) {
        guard let conversation = calls.values[index].plan.conversation else {
            end(index, entry.attempt, &reports)
            return
        }
        reports.append(CallReport(attempt: entry.attempt, what: .answered))
        if let flow = calls.values[index].flow {
            let plan = calls.values[index].plan
            calls.remove(at: index)
            seat(entry.attempt, flow, plan, conversation, at: entry.due)
            return
        }
        calls.values[index].isAnswered = true
        calls.values[index].answeredAt = entry.due
        if conversation.digits.isEmpty {
            schedule(index, entry.attempt, .end, after: conversation.length)
        } else {
            schedule(index, entry.attempt, .digits, after: conversation.digitsAfter)
        }
    }

    private mutating func schedule(
        _ index: Dictionary<ID, Call>.Index,
        _ attempt: ID,
        _ step: Step,
        after answer: Milliseconds
    ) {
        let due = calls.values[index].answeredAt + scenario.scaled(answer)
        calls.values[index].next = step
        calls.values[index].due = due
        agenda.add(attempt, due: due)
    }

    private mutating func end(
        _ index: Dictionary<ID, Call>.Index,
        _ attempt: ID,
        _ reports: inout [CallReport]
    ) {
        let plan = calls.values[index].plan
        calls.remove(at: index)
        reports.append(CallReport(attempt: attempt, what: .ended(reason: plan.reason, by: plan.by)))
    }
}
