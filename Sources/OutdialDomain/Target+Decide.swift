package import Contracts

/// The rules of targets.
extension Target {
    package func delete() -> [TargetEvent] { deletedAt == nil ? [.deleted] : [] }

    /// The destination to dial next under `plan`: strictly in order, the next one only when the earlier has no tries left.
    package func nextDestination(under plan: DialPlan) -> Int? {
        destinations.indices.first { destinations[$0] != nil && tryCounts[$0] < plan.maximumTries[$0] }
    }

    /// Leases it for one attempt, or closes it when it can never be dialed under `plan`. Nothing when it is not due.
    package func lease(
        attempt: ID,
        request: ID,
        campaign: ID,
        run: Int64,
        plan: DialPlan,
        now: Timestamp
    ) -> [TargetEvent] {
        guard isSelectable, dueAt <= now else { return [] }
        guard let index = nextDestination(under: plan) else {
            return [.closed(reason: wasTried ? resultReason : TargetReasons.neverDialed)]
        }
        let lease = Lease(attempt: attempt, request: request, campaign: campaign, run: run, destinationIndex: index)
        return [.leased(lease, tryCount: tryCounts[index] + 1)]
    }

    /// Applies the end of its attempt; nothing for an attempt that it no longer holds, so hearing it twice is harmless.
    package func finish(_ finished: AttemptFinished, plan: DialPlan) -> [TargetEvent] {
        guard let lease, lease.attempt == finished.attempt else { return [] }
        var end = TargetEvent.AttemptEnd(
            attempt: finished.attempt,
            outcome: finished.outcome,
            result: finished.result,
            reason: finished.reason,
            endedAt: finished.endedAt,
            isDone: false,
            nextTryAt: nil
        )
        switch finished.outcome {
        case .placed where finished.result == "success": end.isDone = true
        case .placed:
            end.isDone = nextDestination(under: plan) == nil
            end.nextTryAt = end.isDone ? nil : finished.endedAt + plan.tryInterval
        case .notPlaced: end.nextTryAt = finished.endedAt + Target.notPlacedPause(after: notPlacedInRow)
        case .cancelled: end.nextTryAt = nextTryAt
        case .hungUp: end.nextTryAt = finished.endedAt + plan.tryInterval
        }
        return [.attemptFinished(end)]
    }

    /// 1, 2, 4 … 60 seconds: a target whose attempts are never placed does not spin.
    package static func notPlacedPause(after inRow: Int) -> Milliseconds {
        .seconds(min(60, 1 << min(6, Int64(inRow))))
    }
}
