/// One thing that a daemon tells another. Many travel in one message, in order: `{"items":[{"id","kind",…},…]}`.
///
/// `id` is stable over re-publishing (it derives from the event that implied it), so each is applied at most once.
package struct Item: Hashable, Sendable {
    package var id: ID
    package var correlation: ID
    package var body: Body

    package init(id: ID, correlation: ID, body: Body) {
        self.id = id
        self.correlation = correlation
        self.body = body
    }

    package enum Body: Hashable, Sendable {
        // campaign-manager to one worker, first in, first out
        case dial(DialCommand)
        case cancel(campaign: ID, run: Int64)
        case settle(attempt: ID)
        case hangup(attempt: ID)
        case program(Program)
        case ringAgent(AgentRing)
        /// The wait is over without an agent (`wait_timeout`, `queue_deleted`): the flow goes on behind its queue_join.
        case leaveQueue(attempt: ID, queuecall: ID, reason: String)
        case stopFlow(attempt: ID)
        // worker to campaign-manager
        case workerStatus(WorkerStatus)
        case attemptRefused(attempt: ID, reason: String, journal: ID, sequence: Int64)
        case settled(attempt: ID, state: SettledState, journal: ID)
        case queueJoined(QueueEntry)
        case agentLeg(AgentLegReport)
        case flowProgress(FlowProgress)
        // worker to outdial-manager
        case optOut(OptOut)
        // campaign-manager to outdial-manager
        case attemptFinished(AttemptFinished)
        case claimReleased(outdial: ID, campaign: ID, run: Int64)
        case planChanged(outdial: ID, campaign: ID, run: Int64, plan: DialPlan)
        // outdial-manager to campaign-manager
        case outdialReady(outdial: ID, campaign: ID, run: Int64)
        case outdialExhausted(outdial: ID, campaign: ID, run: Int64)
    }

    /// The `reason` of an attempt that was refused because its run was cancelled before its command came.
    package static let cancelled = "cancelled"
    /// The `reason` of an attempt that was refused because its hang-up came before its command.
    package static let hungUp = "hung_up"
    /// The `reason` of an attempt that was refused because its journal was not given its program (yet).
    package static let programMissing = "no_program"

    /// What a worker's journal knows of an attempt that it was asked to settle.
    package enum SettledState: String, Sendable {
        /// It was claimed: the worker reports its end, now or later.
        case claimed
        /// It had never been claimed, and now never can be.
        case refused
    }
}

/// Everything that a worker needs to place one call, or to run one flow without a call.
package struct DialCommand: Hashable, Sendable {
    /// What an attempt is: a call, or a flow that runs without one.
    package enum Kind: String, Sendable, CaseIterable {
        case call, flow, message, email
    }

    package var attempt: ID
    package var call: ID
    package var campaign: ID
    package var run: Int64
    package var customer: ID
    package var target: ID
    package var source: Address?
    package var destination: Address
    package var destinationIndex: Int
    /// The try on this destination, 1 for the first.
    package var tryCount: Int
    package var dialTimeout: Milliseconds
    package var maximumTalkTime: Milliseconds
    /// The last moment at which the call may be placed.
    package var startBy: Timestamp
    package var kind: Kind
    /// What is done when the call is answered; ``ID/none``: nothing, both just talk. Without it there is no profile either.
    package var program: ID
    /// The list of the target; ``ID/none`` without a program.
    package var outdial: ID
    package var profile: TargetProfile
    /// What the worker was told of the number; it is not part of the command on its way.
    package var screening = NumberScreening.notAsked

    package init(
        attempt: ID,
        call: ID,
        campaign: ID,
        run: Int64,
        customer: ID,
        target: ID,
        source: Address?,
        destination: Address,
        destinationIndex: Int,
        tryCount: Int,
        dialTimeout: Milliseconds,
        maximumTalkTime: Milliseconds,
        startBy: Timestamp,
        kind: Kind = .call,
        program: ID = .none,
        outdial: ID = .none,
        profile: TargetProfile = .empty
    ) {
        self.attempt = attempt
        self.call = call
        self.campaign = campaign
        self.run = run
        self.customer = customer
        self.target = target
        self.source = source
        self.destination = destination
        self.destinationIndex = destinationIndex
        self.tryCount = tryCount
        self.dialTimeout = dialTimeout
        self.maximumTalkTime = maximumTalkTime
        self.startBy = startBy
        self.kind = kind
        self.program = program
        self.outdial = outdial
        self.profile = profile
    }
}

/// What a worker says of itself every five seconds and when it changes.
package struct WorkerStatus: Hashable, Sendable {
    package var worker: String
    package var journal: ID
    /// Another one for each start of the worker.
    package var process: ID
    package var route: String
    package var channels: Int
    /// Channels without a call.
    package var free: Int
    package var version: String
    /// The head of its journal: a lower one than seen before means a restored copy.
    package var sequence: Int64
    /// True in the last status before it goes: give it nothing more.
    package var isLeaving: Bool

    package init(
        worker: String,
        journal: ID,
        process: ID,
        route: String,
        channels: Int,
        free: Int,
        version: String,
        sequence: Int64,
        isLeaving: Bool
    ) {
        self.worker = worker
        self.journal = journal
        self.process = process
        self.route = route
        self.channels = channels
        self.free = free
        self.version = version
        self.sequence = sequence
        self.isLeaving = isLeaving
    }
}

/// How an attempt ended, as campaign-manager tells outdial-manager, which alone moves the target.
package struct AttemptFinished: Hashable, Sendable {
    package enum Outcome: String, Sendable {
        /// A call was placed, or may have been: the try is used.
        case placed
        /// No call was placed: the try is given back, the target waits a little.
        case notPlaced = "not_placed"
        /// We cancelled it before the answer: the try is given back, the target is idle at once.
        case cancelled
        /// Somebody hung it up before it could be placed: the try is given back, the target waits as after a call.
        case hungUp = "hung_up"
    }

    package var attempt: ID
    package var target: ID
    package var outdial: ID
    package var outcome: Outcome
    /// `success` or `fail`.
    package var result: String
    /// The hangup reason.
    package var reason: String
    package var endedAt: Timestamp
    /// Nobody knows what became of the call, and until then the person may be on it: nobody calls the number before.
    package var mayTalkUntil: Timestamp?

    package init(
        attempt: ID,
        target: ID,
        outdial: ID,
        outcome: Outcome,
        result: String,
        reason: String,
        endedAt: Timestamp,
        mayTalkUntil: Timestamp? = nil
    ) {
        self.attempt = attempt
        self.target = target
        self.outdial = outdial
        self.outcome = outcome
        self.result = result
        self.reason = reason
        self.endedAt = endedAt
        self.mayTalkUntil = mayTalkUntil
    }
}

/// The part of an outplan that decides who may be dialed again, as a claim carries it.
package struct DialPlan: Hashable, Sendable {
    /// The most tries for destination 0 to 4.
    package var maximumTries: [Int]
    /// From the end of a call to the next try of the same target.
    package var tryInterval: Milliseconds
    /// When people may be called, in their own time.
    package var hours: CallingHours
    /// From the end of a call to the next one to the same number, over all lists of the customer; 0 is at once.
    package var minimumInterval: Milliseconds

    package init(
        maximumTries: [Int],
        tryInterval: Milliseconds,
        hours: CallingHours = .always,
        minimumInterval: Milliseconds = 0
    ) {
        self.maximumTries = maximumTries
        self.tryInterval = tryInterval
        self.hours = hours
        self.minimumInterval = minimumInterval
    }
}

/// One leased target: the right to one attempt, as outdial-manager's answer to `lease` and `open_leases` lists it.
package struct Lease: Hashable, Sendable {
    package var attempt: ID
    package var target: ID
    package var destination: Address
    package var destinationIndex: Int
    package var tryCount: Int
    package var profile: TargetProfile
    /// The last moment at which the call may be placed, where the calling hours of the plan say so.
    package var startBy: Timestamp?

    package init(
        attempt: ID,
        target: ID,
        destination: Address,
        destinationIndex: Int,
        tryCount: Int,
        profile: TargetProfile = .empty,
        startBy: Timestamp? = nil
    ) {
        self.attempt = attempt
        self.target = target
        self.destination = destination
        self.destinationIndex = destinationIndex
        self.tryCount = tryCount
        self.profile = profile
        self.startBy = startBy
    }
}
