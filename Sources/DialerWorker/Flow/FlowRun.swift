import Contracts
import FlowEngine

/// The flow of one call, or of one attempt without a call, from the claim to its end: in memory only, since it ends with
/// the process.
struct FlowRun: Sendable {
    enum Waiting: Hashable {
        case nothing
        case order(Int)
        /// The caller waits for an agent, or talks to one.
        case queue(order: Int)
    }

    struct AskedLegs {
        var number: Int
        var legs: [CallLeg]
        /// Nil: they are to be joined with the caller.
        var actions: [FlowAction]?
    }

    /// The call's own command; of a call that a flow placed, a copy of its attempt's with the leg as attempt.
    let command: DialCommand
    /// The attempt whose stream keeps what happens.
    let owner: ID
    /// The actions of a call that a flow placed; nil: those of the program.
    let actions: [FlowAction]?
    /// Nil until it begins.
    var execution: FlowExecution?
    var waiting = Waiting.nothing
    private(set) var orders = 0
    private(set) var queueEntries = 0
    /// The agents who are rung, or the one who talks.
    var agents: [AgentRing] = []
    var isTalking = false
    /// Every leg that was ever ordered: none is rung twice.
    var rung: Set<ID> = []
    var queuecall = ID.none
    /// The calls that its order wants to place, while their numbers are looked up.
    var asked: AskedLegs?
    /// What is to be said of the files that are played, besides that they were.
    var played: String?
    /// A message or mail of it could not be sent.
    var hasFailedToSend = false
    /// When it has lasted as long as any may, if it has no call that would end it.
    private(set) var endBy: Timestamp?
    /// Its last pause was cut: with its end the flow is over.
    private(set) var isCut = false

    /// How long the flow of an attempt without a call may last, as long as a call by default.
    static let longestWithoutCall: Milliseconds = 3_600_000
    /// What the action says that a flow was at when that was over.
    static let timeLimit = "time_limit"

    init(command: DialCommand, owner: ID? = nil, actions: [FlowAction]? = nil) {
        self.command = command
        self.owner = owner ?? command.attempt
        self.actions = actions
    }

    /// Whether there is a call to speak on.
    var hasCall: Bool { command.kind == .call }
    /// Whether it is the flow of an attempt, and not of a call that another flow placed.
    var isAttempt: Bool { owner == command.attempt }

    mutating func begin(at now: Timestamp) {
        if !hasCall { endBy = now + FlowRun.longestWithoutCall }
    }

    /// Whether it has lasted too long to go on.
    func isOverdue(at now: Timestamp) -> Bool { isCut || endBy.map { now >= $0 } ?? false }

    /// `what` itself, or the part of a pause that fits.
    mutating func fitting(_ what: CallOrder.What, at now: Timestamp) -> CallOrder.What {
        guard let endBy, case .pause(let length) = what, length > endBy - now else { return what }
        isCut = true
        return .pause(max(0, endBy - now))
    }

    mutating func nextOrder() -> Int {
        orders += 1
        return orders
    }

    mutating func nextQueuecall() -> ID {
        defer { queueEntries += 1 }
        return .queuecall(of: command.attempt, entry: queueEntries)
    }

    /// The variables that it begins with: columns of the import first, then what is known of the target and the call.
    var variables: [String: String] {
        var values = command.profile.texts
        values["voipbin.campaign.id"] = command.campaign.description
        values["voipbin.campaigncall.id"] = owner.description
        values["voipbin.activeflow.id"] = ID.activeflow(of: owner).description
        values["voipbin.target.id"] = command.target.description
        if !command.outdial.isNone { values["voipbin.outdial.id"] = command.outdial.description }
        values["voipbin.call.destination"] = command.destination.target
        values["voipbin.call.source"] = command.source?.target ?? ""
        for (name, address) in [("destination", command.destination), ("source", command.source)] {
            guard let address else { continue }
            values["voipbin.call.\(name).type"] = address.type
            values["voipbin.call.\(name).target"] = address.target
            values["voipbin.call.\(name).target_name"] = address.targetName
            values["voipbin.call.\(name).name"] = address.name
            values["voipbin.call.\(name).detail"] = address.detail
        }
        if hasCall {
            values["voipbin.call.id"] = command.call.description
            values["voipbin.call.direction"] = "outgoing"
            values["voipbin.call.digits"] = ""
        }
        return values
    }

    /// A call that its flow places: `index` counts those of one order.
    func leg(to destination: Address, source: Address?, order: Int, index: Int, hasFlow: Bool) -> CallLeg {
        var leg = command
        // Far from the other ids that follow from an attempt; an order has a thousand destinations at most.
        leg.attempt = command.attempt.derived(3_000_001 + order * 1000 + index)
        leg.call = leg.attempt
        leg.destination = destination
        leg.source = source ?? command.source
        leg.destinationIndex = 0
        leg.tryCount = 1
        leg.dialTimeout = SimulatedTimes.ringTimeout
        leg.kind = .call
        if !hasFlow { leg.program = .none }
        return CallLeg(command: leg, owner: owner)
    }
}
