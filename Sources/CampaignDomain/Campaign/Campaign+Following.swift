package import Contracts

/// What became of the campaign that was to follow an exhausted run.
package struct Succession: Hashable, Sendable {
    /// - `due`: it is to be started. To one of the others.
    /// - `started`, `skipped`: decided, until another run is exhausted.
    package enum Result: String, Sendable {
        case due, started, skipped
    }

    /// The run that ended.
    package var run: Int64
    /// The campaign that follows.
    package var next: ID
    package var result: Result
    /// Why it was skipped, for programs; else "".
    package var reason = ""
}

extension Succession {
    var json: JSONValue {
        [
            "run": .integer(run), "next_campaign_id": .id(next), "result": .string(result.rawValue),
            "reason": .string(reason),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        guard let result = Result(rawValue: try json.requireString("result")) else {
            throw JSONError("the result of a succession is unknown")
        }
        self.init(
            run: try json.requireInteger("run"),
            next: try json.requireID("next_campaign_id"),
            result: result,
            reason: try json.requireString("reason")
        )
    }
}

/// The rules of the campaign that follows.
///
/// It follows once, when a run with `end_handle: stop` ends by exhaustion and has placed a call: a circle of campaigns
/// whose lists are worked off comes to its end.
extension Campaign {
    /// What a run that is exhausted means for the campaign that follows.
    ///
    /// - Parameter hasPlaced: whether the run has placed a call.
    package func follow(hasPlaced: Bool) -> [CampaignEvent] {
        let next = settings.nextCampaign
        guard !next.isNone else { return [] }
        guard hasPlaced else {
            return [
                .nextSkipped(run: run, next: next, reason: "NOTHING_PLACED", message: "the run has placed no call")
            ]
        }
        return [.nextDue(run: run, next: next)]
    }

    /// The campaign that is to be started, if one is.
    package var nextDue: ID? { succession.flatMap { $0.result == .due ? $0.next : nil } }

    /// It was started, as its run `run`.
    package func noteNextStarted(run nextRun: Int64) -> [CampaignEvent] {
        guard let succession, succession.result == .due else { return [] }
        return [.nextStarted(run: succession.run, next: succession.next, nextRun: nextRun)]
    }

    /// It is not to be started any more. Nothing when none was.
    package func skipNext(because reason: String, _ message: String) -> [CampaignEvent] {
        guard let succession, succession.result == .due else { return [] }
        return [.nextSkipped(run: succession.run, next: succession.next, reason: reason, message: message)]
    }
}

/// Pausing, and the end of a stop.
extension Campaign {
    /// Holds new dials back, or lets them go on. Nothing when it is so already.
    package func pause(body: RequestBody) throws(Refusal) -> [CampaignEvent] {
        guard let isWanted = body.json["paused"].bool else {
            throw .invalid("paused", "must be true or false")
        }
        if isWanted == isPaused { return [] }
        return [isWanted ? .paused : .unpaused]
    }

    /// In `stopping`: from when on answered calls are hung up; nil when they may go on to their end.
    package var drainEndsAt: Timestamp? {
        guard status == .stopping, let since = stoppingSince, let timeout = settings.stopDrainTimeout else {
            return nil
        }
        return since + timeout
    }
}
