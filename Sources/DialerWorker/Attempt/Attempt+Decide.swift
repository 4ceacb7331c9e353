package import Contracts

/// What an attempt can be asked to decide.
package enum AttemptCommand: Hashable, Sendable {
    /// campaign-manager wants it placed; `obstacle` is what stands against that on this worker, besides the time.
    case dial(DialCommand, correlation: ID, item: ID, obstacle: RefusalReason?)
    /// It was claimed, but the claim was durable only after `start_by`: it was not placed.
    case giveUpLate
    /// The provider says what happened.
    case report(CallReport.What)
    /// campaign-manager asks what became of it.
    case settle
    /// Its call is to end, and it is not live here.
    case hangUp
    /// The process begins anew, and its provider cannot tell what became of the calls of the one before.
    case forget
    /// Its flow did something.
    case note(FlowNote)
}

/// Why an attempt is not placed.
package enum RefusalReason: String, Sendable, CaseIterable {
    /// Its `start_by` has passed.
    case late
    /// All channels are in use.
    case noChannel = "no_channel"
    /// Its run was cancelled before its command came.
    case cancelled
    /// The worker is about to end.
    case leaving
    /// It was never seen before campaign-manager asked about it.
    case settled
    /// Its call was to end before its command came.
    case hungUp = "hung_up"
    /// Its number is on a do-not-call list.
    case doNotCall = "do_not_call"
    /// The program that it is to run is not here (yet).
    case noProgram = "no_program"
}

extension Attempt {
    /// The events that follow from `command`; none when there is nothing left to decide.
    ///
    /// Pure: redelivered commands, repeated reports and reports after the end change nothing.
    package static func decide(
        _ command: AttemptCommand,
        _ state: Attempt?,
        attempt: ID,
        now: Timestamp
    ) -> [AttemptEvent] {
        switch command {
        case .dial(let dial, let correlation, let item, let obstacle):
            guard state == nil else { return [] }
            if obstacle != .cancelled, now > dial.startBy {
                return [.refused(attempt: attempt, reason: RefusalReason.late.rawValue)]
            }
            if let obstacle = obstacle ?? dial.screening.obstacle {
                return [.refused(attempt: attempt, reason: obstacle.rawValue)]
            }
            return [.claimed(dial, correlation: correlation, item: item)]
        case .giveUpLate:
            guard state?.phase == .claimed else { return [] }
            return [.refused(attempt: attempt, reason: RefusalReason.late.rawValue)]
        case .report(let what): return state?.decide(what, attempt: attempt) ?? []
        case .settle: return settle(state, attempt: attempt)
        case .hangUp:
            return state == nil ? [.refused(attempt: attempt, reason: RefusalReason.hungUp.rawValue)] : []
        case .forget:
            return state?.decide(.ended(reason: .outcomeUnknown, by: .system), attempt: attempt) ?? []
        case .note(let note): return state == nil ? [] : [.flow(note)]
        }
    }

    private func decide(_ what: CallReport.What, attempt: ID) -> [AttemptEvent] {
        guard let subject = subject(of: attempt) else { return [] }
        switch what {
        case .dialing: return phase.canBecome(.dialing) ? [.dialing(subject)] : []
        case .ringing: return phase.canBecome(.ringing) ? [.ringing(subject)] : []
        case .answered: return phase.canBecome(.progressing) ? [.progressing(subject)] : []
        case .digits(let digits): return phase.isAnswered ? [.digits(subject, digits: digits)] : []
        case .orderDone, .agentLeg: return []
        case .ended(let reason, let by):
            guard phase.isLive else { return [] }
            // `normal` means success to everybody else, and nobody was talked to.
            // Nor may a call that was answered count as one that never was, whatever a flow hangs up with: its try would be
            // given back.
            let contradicts = phase.isAnswered ? reason.isNeverPlaced : reason == .normal
            let reported = contradicts ? .failed : reason
            return [.hangup(subject, reason: reported.rawValue, by: by.rawValue)]
        }
    }

    private static func settle(_ state: Attempt?, attempt: ID) -> [AttemptEvent] {
        guard let state else {
            return [
                .refused(attempt: attempt, reason: RefusalReason.settled.rawValue),
                .settled(Settlement(attempt: attempt, state: .refused)),
            ]
        }
        guard state.phase != .refused else { return [.settled(Settlement(attempt: attempt, state: .refused))] }
        var settlement = Settlement(attempt: attempt, state: .claimed)
        if state.phase == .hangup, let subject = state.subject(of: attempt), let endedAt = state.endedAt {
            settlement.end = Settlement.End(subject: subject, reason: state.reason, by: state.by, at: endedAt)
        }
        return [.settled(settlement)]
    }

    private func subject(of attempt: ID) -> CallSubject? {
        claim.map { CallSubject(attempt: attempt, call: $0.call, customer: $0.customer) }
    }
}

extension NumberScreening {
    /// Without an answer nobody is dialed: it counts as one that did not come in time.
    fileprivate var obstacle: RefusalReason? {
        switch self {
        case .notAsked, .clear: nil
        case .listed: .doNotCall
        case .unanswered, .busy: .late
        }
    }
}
