package import Contracts

/// Places calls and says what happens on them: the simulator, later a SIP stack or a message gateway.
///
/// Calls are real and asynchronous: nothing here waits for the other side. Everything that happens, the failure to
/// place a call included, comes back as a ``CallReport`` to the receiver, in batches and in order for each call; the last one for each placed call is ``CallReport/What/ended(reason:by:)``.
/// Orders and reports may come from any thread.
package protocol CallProvider: Sendable {
    /// Has everything that happens go to `receiver`, which never waits. Called once, before the first order.
    func report(to receiver: @escaping @Sendable ([CallReport]) -> Void)

    /// Places calls that the journal has claimed. Each attempt is placed once at most.
    func place(_ commands: [DialCommand])

    /// Ends those of the calls that nobody has answered yet, with reason `cancel`; answered and ended ones are left.
    func cancel(_ attempts: [ID])

    /// Ends the calls, answered or not: `normal` when answered, `cancel` when not, by `party`.
    func hangUp(_ attempts: [ID], by party: HangupParty)

    /// Does what flows want on their calls.
    func perform(_ orders: [CallOrder])

    /// Keeps the provider's time until its task is cancelled.
    func run() async
}

/// One thing that happened on a call.
package struct CallReport: Hashable, Sendable {
    package var attempt: ID
    package var what: What

    package init(attempt: ID, what: What) {
        self.attempt = attempt
        self.what = what
    }

    package enum What: Hashable, Sendable {
        /// The provider has taken the call and dials.
        case dialing
        case ringing
        case answered
        /// The other side pressed keys.
        case digits(String)
        case ended(reason: HangupReason, by: HangupParty)
        /// The order of this number has come to its end.
        case orderDone(Int, CallOrder.Result)
        /// What became of the agent who is rung for this caller; `leg` is ``AgentRing/leg``.
        case agentLeg(ID, AgentLegReport.State)
    }
}
