package import Contracts

/// The rules of targets.
extension Target {
    package func delete() -> [TargetEvent] { deletedAt == nil ? [.deleted] : [] }

    /// The destination to dial next under `plan`: strictly in order, the next one only when the earlier has no tries left.
    package func nextDestination(under plan: DialPlan) -> Int? {
        destinations.indices.first { destinations[$0] != nil && tryCounts[$0] < plan.maximumTries[$0] }
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
            nextTryAt: nil,
            heldUntil: finished.outcome == .placed ? finished.mayTalkUntil : nil
        )
        switch finished.outcome {
        case _ where isOptedOut:
            end.isDone = true
            end.result = "fail"
            end.reason = TargetReasons.doNotCall
        case .notPlaced where finished.reason == TargetReasons.doNotCall:
            end.isDone = !hasDestination(besides: lease.destinationIndex, under: plan)
            end.nextTryAt = end.isDone ? nil : finished.endedAt
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

    /// Whether another destination than that of the attempt has tries left.
    private func hasDestination(besides index: Int, under plan: DialPlan) -> Bool {
        destinations.indices.contains {
            $0 != index && destinations[$0] != nil && tryCounts[$0] < plan.maximumTries[$0]
        }
    }

    /// 1, 2, 4 … 60 seconds: a target whose attempts are never placed does not spin.
    package static func notPlacedPause(after inRow: Int) -> Milliseconds {
        .seconds(min(60, 1 << min(6, Int64(inRow))))
    }
}
