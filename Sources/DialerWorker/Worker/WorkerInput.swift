package import Contracts
package import Service

/// What the worker's turn decides about, in the order in which it came.
package enum WorkerInput: Sendable {
    /// One thing that campaign-manager says.
    case item(Item)
    /// The items of this delivery have all gone before: it is acknowledged after the commit.
    case delivered(IncomingMessage)
    /// What the provider says of a call.
    case report(CallReport)
    /// What came of an errand of a flow.
    case errandDone(ID, number: Int, ErrandOutcome)
    /// A claimed attempt whose `start_by` had passed once the claim was durable: the provider was not asked.
    case tooLate(ID)
    /// From now on refuse what is not claimed yet.
    case leave
    /// campaign-manager has accepted the journal for `process`.
    case accepted(process: ID)
    /// campaign-manager takes nothing from this journal, for this reason.
    case journalRefused(String)
    /// End the calls that are still live: the time for leaving is over.
    case hangUpAll
}

/// What has to be done once the turn is committed, in this order; nothing of it when the turn fails.
package struct WorkerEffects: Sendable {
    package var acknowledge: [IncomingMessage] = []
    /// Claimed just now: check `start_by` as the last thing, then place.
    package var place: [DialCommand] = []
    /// What flows want done on their calls, in order.
    package var orders: [CallOrder] = []
    /// What flows want from the world beside their calls.
    package var errands: [FlowErrand] = []
    /// Calls to end unless they are answered.
    package var cancel: [ID] = []
    /// Calls to end, as the worker itself ends.
    package var hangUp: [ID] = []
    /// Calls to end, as somebody on our side wants.
    package var hangUpForUs: [ID] = []
    /// The journal was accepted: the work may begin.
    package var isAccepted = false
    /// campaign-manager takes nothing from this journal: the daemon has to end, for this reason.
    package var journalRefused: String?
    /// The kinds of items that are not for a worker.
    package var unexpected: [String] = []
    /// Whether campaign-manager should hear of the worker at once: the last free channel was taken, the first became
    /// free again, or the worker leaves.
    package var statusChanged = false

    package init() {}
}
