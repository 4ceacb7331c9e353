/// The interpreter of flows: a state and what became of the last instruction in, the next instruction out.
///
/// Pure: no clock, no randomness, no I/O. A flow is a list of actions (``FlowAction``); ``FlowExecution`` walks it, does by
/// itself what needs nobody else (branch, goto, conditions, variables, fetch_flow), and stops at each ``FlowInstruction``
/// until it is told the ``FlowOutcome``. It ends for certain: see ``FlowLimits``.
///
/// It knows neither campaigns nor workers, and it checks no actions: `ActionList` of CampaignDomain does that when they are
/// given. What it does not understand it skips, and says so in the result of the action.
package enum FlowEngine {}

/// What keeps a flow from going on for ever. Which limit ended it is the result of the action that it was at.
package enum FlowLimits {
    /// The most actions that one flow comes to, jumps and repetitions included.
    package static let actions = 1000
    /// The most times that further actions are brought in, by `fetch` and `fetch_flow` together.
    package static let fetches = 100
    /// How deep flows may be brought into each other.
    package static let depth = 10
    /// The most actions that one `fetch` brings.
    package static let fetchedActions = 1000
    /// The most bytes of a value, and of a text after its variables are put in.
    package static let textBytes = 65_536
    /// The most variables.
    package static let variables = 1000
}
