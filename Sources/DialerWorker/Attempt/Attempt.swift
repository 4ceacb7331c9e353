package import Contracts

/// What this journal knows of one attempt.
///
/// An attempt id is accepted once and for ever: it is claimed or refused, and nothing changes that.
package struct Attempt: Aggregate, Hashable {
    package enum Phase: String, Sendable, CaseIterable {
        /// Ours to place; can become any of the others. Nobody knows yet whether the provider took it.
        case claimed
        /// The provider has it; can ring, be answered or end.
        case dialing
        /// Can be answered or end.
        case ringing
        /// Answered; can end.
        case progressing
        /// It was placed, or may have been, and is over. Final.
        case hangup
        /// It was not placed and never will be. Final.
        case refused

        /// Whether a channel is in use for it.
        package var isLive: Bool { self != .hangup && self != .refused }
        package var isAnswered: Bool { self == .progressing }

        fileprivate var rank: Int {
            switch self {
            case .claimed: 0
            case .dialing: 1
            case .ringing: 2
            case .progressing: 3
            case .hangup, .refused: 4
            }
        }

        /// Whether a call in this phase can go on to `next`: phases are never repeated and never go back.
        package func canBecome(_ next: Phase) -> Bool { rank < next.rank }
    }

    package static let category = "attempt"

    package var phase: Phase
    /// The command that was claimed; nil when it was refused unseen, by a settlement.
    package var claim: Claim?
    /// Why it ended: a hangup reason, or why it was refused.
    package var reason: String
    /// With `hangup`: who ended it.
    package var by: String
    package var endedAt: Timestamp?

    /// The part of a dial command that reports need, and what brought it.
    package struct Claim: Hashable, Sendable {
        package var call: ID
        package var campaign: ID
        package var run: Int64
        package var customer: ID
        package var correlation: ID
        /// The item that carried the command.
        package var item: ID
    }

    package static func evolve(_ state: inout Attempt?, _ event: AttemptEvent, at time: Timestamp) {
        switch event {
        case .claimed(let command, let correlation, let item):
            let claim = Claim(
                call: command.call,
                campaign: command.campaign,
                run: command.run,
                customer: command.customer,
                correlation: correlation,
                item: item
            )
            state = Attempt(phase: .claimed, claim: claim, reason: "", by: "", endedAt: nil)
        case .refused(_, let reason):
            state = Attempt(phase: .refused, claim: state?.claim, reason: reason, by: "", endedAt: time)
        case .dialing: state?.phase = .dialing
        case .ringing: state?.phase = .ringing
        case .progressing: state?.phase = .progressing
        case .hangup(_, let reason, let by):
            state?.phase = .hangup
            state?.reason = reason
            state?.by = by
            state?.endedAt = time
        case .digits, .settled, .flow: break
        }
    }
}

extension Attempt {
    package var json: JSONValue {
        let claimed: JSONValue =
            claim.map {
                [
                    "call_id": .id($0.call), "campaign_id": .id($0.campaign), "run": .integer($0.run),
                    "customer_id": .id($0.customer), "correlation_id": .id($0.correlation), "item_id": .id($0.item),
                ]
            } ?? .null
        return [
            "phase": .string(phase.rawValue), "claim": claimed, "reason": .string(reason), "by": .string(by),
            "ended_at": .optional(endedAt),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let phase = Phase(rawValue: try json.requireString("phase")) else {
            throw JSONError("phase must be one of \(Phase.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.phase = phase
        let claimed = json["claim"]
        if !claimed.isNull {
            claim = Claim(
                call: try claimed.requireID("call_id"),
                campaign: try claimed.requireID("campaign_id"),
                run: try claimed.requireInteger("run"),
                customer: try claimed.requireID("customer_id"),
                correlation: try claimed.requireID("correlation_id"),
                item: try claimed.requireID("item_id")
            )
        }
        reason = try json.requireString("reason")
        by = try json.requireString("by")
        endedAt = json.optionalTime("ended_at")
    }
}
