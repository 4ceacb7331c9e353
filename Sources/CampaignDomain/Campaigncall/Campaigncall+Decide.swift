package import Contracts

/// The rules of campaigncalls. They are monotone: a report that comes late, twice or out of order changes nothing.
extension Campaigncall {
    /// Applies what the dialing engine reports.
    package func apply(_ event: CallEvent) -> [CampaigncallEvent] {
        guard isOpen else {
            guard event.kind == .hangup else { return [] }
            return [.lateResultIgnored(reason: event.hangupReason, at: event.time)]
        }
        switch event.kind {
        case .dialing: return phase < .dialing ? [.dialing(at: event.time)] : []
        case .ringing: return phase < .ringing ? [.ringing(at: event.time)] : []
        case .progressing: return phase < .answered ? [.progressing(at: event.time)] : []
        case .digits: return [.digits(event.digits, at: event.time)]
        case .hangup:
            var reason = HangupReason(reported: event.hangupReason)
            // Of a call that was reported before, it cannot be true: nobody gets a try back for it.
            if reason == .notDialed, !assignment.engine.isEmpty, phase > .assigned { reason = .failed }
            return finish(outcome(of: reason, by: event.hangupBy), reason: reason, by: event.hangupBy, at: event.time)
        }
    }

    /// The worker says that it never placed it.
    package func refuse(at now: Timestamp, because reason: HangupReason = .notDialed) -> [CampaigncallEvent] {
        isOpen ? finish(.notPlaced, reason: reason, by: "system", at: now) : []
    }

    /// The worker says that it never placed it, because its run was cancelled before the command came.
    package func refuseCancelled(at now: Timestamp) -> [CampaigncallEvent] {
        isOpen ? finish(.cancelled, reason: .cancel, by: "system", at: now) : []
    }

    /// The worker says that it never placed it, because somebody had hung it up.
    package func refuseHungUp(at now: Timestamp) -> [CampaigncallEvent] {
        isOpen ? finish(.hungUp, reason: .cancel, by: "local", at: now) : []
    }

    /// Something is overdue: ask the journal. Nothing while it is being asked already.
    package func settle(because: String) -> [CampaigncallEvent] {
        guard isOpen, !isSettling, assignment.engine.isEmpty else { return [] }
        return [.settling(because: because, journal: assignment.journal)]
    }

    /// The journal answers that it holds the attempt.
    package func confirmClaim() -> [CampaigncallEvent] {
        isOpen && isSettling ? [.claimConfirmed] : []
    }

    /// The journal did not answer in time, or the other engine: a call may have been placed, nobody can tell.
    package func abandon(at now: Timestamp) -> [CampaigncallEvent] {
        guard isOpen else { return [] }
        let end = finish(.placed, reason: .outcomeUnknown, by: "system", at: now)
        return assignment.engine.isEmpty ? end : [.reportMissing(because: "no report by the deadline")] + end
    }

    /// What the broker says of the command to another engine. `expired` and `rejected` prove that nobody dialed; of every
    /// other reason nobody can tell yet: reports may come until the deadline.
    package func comeBackUndelivered(because reason: String, at now: Timestamp) -> [CampaigncallEvent] {
        guard isOpen, !assignment.engine.isEmpty else { return [] }
        // Who reports a call and rejects its command contradicts itself: the call may exist.
        let isProof = (reason == "expired" || reason == "rejected") && phase == .assigned
        return isProof ? refuse(at: now) : [.reportMissing(because: "the command came back: \(reason)")]
    }

    /// The broker did not say whether it has the command: it is never published again.
    package func miss(because: String) -> [CampaigncallEvent] { isOpen ? [.reportMissing(because: because)] : [] }

    /// Tells the result again, once it is clear that the first telling is not just under way.
    package func repeatResult(at now: Timestamp) -> [CampaigncallEvent] {
        guard let outcome, let endedAt, let updatedAt, now - updatedAt >= 5_000 else { return [] }
        return [.resultRepeated(ending(outcome, HangupReason(reported: hangupReason), at: endedAt))]
    }

    /// A customer wants its call to end. Nothing when that is under way already.
    package func requestHangup() throws(Refusal) -> [CampaigncallEvent] {
        guard isOpen else { throw .state("the call is over; there is nothing to hang up") }
        guard assignment.engine.isEmpty else {
            throw .state("the call is placed by the dialing engine of route \(assignment.engine); hang it up there")
        }
        return hangupRequestedAt == nil ? [.hangupRequested(journal: assignment.journal)] : []
    }

    package func delete() throws(Refusal) -> [CampaigncallEvent] {
        guard !isOpen else { throw .state("the campaigncall is not done; wait for its end or stop the campaign first") }
        return deletedAt == nil ? [.deleted] : []
    }

    /// How long the next report may take before the journal is asked, from `now`.
    ///
    /// Other engines have no journal to ask: they get `patience` more, and then nobody knows how it ended.
    package func deadline(from now: Timestamp, patience: Milliseconds = Campaigncall.margin) -> Timestamp {
        let margin = assignment.engine.isEmpty ? Campaigncall.margin : patience
        return switch phase {
        case .assigned: max(assignment.startBy, now) + margin
        case .dialing, .ringing: now + assignment.dialTimeout + margin
        case .answered, .done: now + assignment.maximumTalkTime + margin
        }
    }

    /// When a call of another engine is over at the latest, though nobody reports it: it began by `start_by`, rang and
    /// was spoken on no longer than it may. Nil for calls of our workers: those end with their process, and one that is only
    /// cut off is taken for dead.
    private var lastMomentAtEngine: Timestamp? {
        guard !assignment.engine.isEmpty else { return nil }
        return (answeredAt ?? assignment.startBy + assignment.dialTimeout) + assignment.maximumTalkTime
    }

    /// Added to every deadline for messages that are under way.
    package static let margin: Milliseconds = 10_000

    private func outcome(of reason: HangupReason, by: String) -> AttemptFinished.Outcome {
        switch reason {
        case .notDialed, .doNotCall: .notPlaced
        case .cancel where by == "system" && phase < .answered: .cancelled
        default: .placed
        }
    }

    private func finish(
        _ outcome: AttemptFinished.Outcome,
        reason: HangupReason,
        by: String,
        at moment: Timestamp
    ) -> [CampaigncallEvent] {
        [.finished(ending(outcome, reason, at: moment), hangupBy: by)]
    }

    private func ending(
        _ outcome: AttemptFinished.Outcome,
        _ reason: HangupReason,
        at moment: Timestamp
    ) -> AttemptFinished {
        AttemptFinished(
            attempt: assignment.id,
            target: assignment.target,
            outdial: assignment.outdial,
            outcome: outcome,
            result: reason.result,
            reason: reason.rawValue,
            endedAt: moment,
            mayTalkUntil: reason == .outcomeUnknown ? lastMomentAtEngine : nil
        )
    }
}
