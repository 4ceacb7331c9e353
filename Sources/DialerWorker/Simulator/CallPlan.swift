package import Contracts

/// Everything that will happen on one simulated call unless somebody interferes; times are those of the scenario,
/// before its time scale.
package struct CallPlan: Hashable, Sendable {
    /// From placing the call to the answer, or to its end when nobody answers.
    package var ring: Milliseconds
    /// Whether ringing is reported: a busy or failed call does not ring.
    package var isRinging: Bool
    /// What comes after the answer; nil when nobody answers.
    package var conversation: Conversation?
    package var reason: HangupReason
    package var by: HangupParty
    /// How long this person waits for an agent before hanging up.
    package var patience: Milliseconds

    package struct Conversation: Hashable, Sendable {
        package var length: Milliseconds
        /// The keys that are pressed, or "".
        package var digits: String
        /// From the answer to the keys.
        package var digitsAfter: Milliseconds
        package var isMachine: Bool
        /// Whether this person listens to a flow as long as it lasts.
        package var listensToTheEnd: Bool

        package init(
            length: Milliseconds,
            digits: String,
            digitsAfter: Milliseconds,
            isMachine: Bool,
            listensToTheEnd: Bool = false
        ) {
            self.length = length
            self.digits = digits
            self.digitsAfter = digitsAfter
            self.isMachine = isMachine
            self.listensToTheEnd = listensToTheEnd
        }
    }

    package init(
        ring: Milliseconds,
        isRinging: Bool,
        conversation: Conversation?,
        reason: HangupReason,
        by: HangupParty,
        patience: Milliseconds
    ) {
        self.ring = ring
        self.isRinging = isRinging
        self.conversation = conversation
        self.reason = reason
        self.by = by
        self.patience = patience
    }
}

extension CallPlan {
    /// The plan of one call: the same for the same arguments, whatever was asked before.
    ///
    /// A call that would ring longer than `dialTimeout` ends there as `no_answer`; a conversation longer than
    /// `maximumTalkTime` is cut there as `timeout`. A call that nobody answers never ends `normal`.
    package init(
        scenario: Scenario,
        number: String,
        tryCount: Int,
        dialTimeout: Milliseconds,
        maximumTalkTime: Milliseconds
    ) {
        let behaviour = Behaviour(scenario: scenario, number: number, tryCount: tryCount)
        let rings = behaviour.outcome != .busy && behaviour.outcome != .failed
        guard behaviour.outcome != .noAnswer, behaviour.ring <= dialTimeout else {
            self.init(
                ring: dialTimeout,
                isRinging: rings,
                conversation: nil,
                reason: .noAnswer,
                by: .system,
                patience: behaviour.patience
            )
            return
        }
        guard rings else {
            self.init(
                ring: behaviour.ring,
                isRinging: behaviour.isRejected,
                conversation: nil,
                reason: behaviour.outcome == .busy ? .busy : .failed,
                by: .remote,
                patience: behaviour.patience
            )
            return
        }
        let isCut = behaviour.talk > maximumTalkTime
        let length = isCut ? maximumTalkTime : behaviour.talk
        // Somebody who presses a key does so a second after the answer, or halfway through a short conversation.
        let digitsAfter = min(Milliseconds(1000), Milliseconds(behaviour.talk.count / 2))
        let digits = digitsAfter < length || !isCut ? behaviour.digits : ""
        self.init(
            ring: behaviour.ring,
            isRinging: true,
            conversation: Conversation(
                length: length,
                digits: digits,
                digitsAfter: digits.isEmpty ? 0 : digitsAfter,
                isMachine: behaviour.outcome == .machine,
                listensToTheEnd: behaviour.listensToTheEnd
            ),
            reason: isCut ? .timeout : .normal,
            by: isCut ? .system : .remote,
            patience: behaviour.patience
        )
    }
}
