package import Contracts

/// One wait of one caller in a queue, and the talk with an agent that may follow.
package struct Queuecall: Aggregate, Hashable {
    package static let category = "queuecall"

    /// - `initiating`: has just come. To `waiting` at once.
    /// - `waiting`: no agent is rung. To `connecting`, `abandoned`.
    /// - `connecting`: agents are rung. To `service`, back to `waiting` when nobody answers, to `abandoned`.
    /// - `service`: talks with an agent. To `done`.
    /// - `done`: was served.
    /// - `abandoned`: was not.
    package enum Status: String, Sendable, CaseIterable {
        case initiating, waiting, connecting, service, done, abandoned
    }

    /// Why it is over.
    package enum EndReason: String, Sendable, CaseIterable {
        case none = ""
        /// The talk is over; the flow goes on.
        case served
        /// The caller's call is over.
        case hangup
        case waitTimeout = "wait_timeout"
        case queueDeleted = "queue_deleted"
        /// Somebody had it leave the queue.
        case kicked
    }

    /// What is known when it comes.
    package struct New: Hashable, Sendable {
        package var id: ID
        package var customer: ID
        package var queue: ID
        package var campaign: ID
        /// The campaigncall.
        package var attempt: ID
        package var call: ID
        package var activeflow: ID
        package var journal: ID
        package var source: Address?
        package var destination: Address
        /// When the caller came to the queue, by the worker's clock.
        package var joinedAt: Timestamp
        /// The end of the queue's `wait_timeout`; nil is none.
        package var waitUntil: Timestamp?
        /// A moment of its own for each.
        package var createdAt: Timestamp

        package init(
            id: ID,
            customer: ID,
            queue: ID,
            campaign: ID,
            attempt: ID,
            call: ID,
            activeflow: ID,
            journal: ID,
            source: Address?,
            destination: Address,
            joinedAt: Timestamp,
            waitUntil: Timestamp?,
            createdAt: Timestamp
        ) {
            self.id = id
            self.customer = customer
            self.queue = queue
            self.campaign = campaign
            self.attempt = attempt
            self.call = call
            self.activeflow = activeflow
            self.journal = journal
            self.source = source
            self.destination = destination
            self.joinedAt = joinedAt
            self.waitUntil = waitUntil
            self.createdAt = createdAt
        }
    }

    /// A call to an agent that rings.
    package struct Leg: Hashable, Sendable {
        package var id: ID
        package var agent: ID
        package var rungAt: Timestamp
        /// When its result is overdue.
        package var deadline: Timestamp
        /// For how long the agent had been available.
        package var idle: Milliseconds
    }

    /// An agent who did not answer this caller.
    package struct Miss: Hashable, Sendable {
        package var agent: ID
        package var leg: ID
        package var at: Timestamp
    }

    package var new: New
    package var status: Status
    package var legs: [Leg] = []
    /// The last miss of each agent.
    package var misses: [Miss] = []
    /// How many rings in a row ended without a result: its worker does not have the caller in the queue (any more).
    package var vain: Int64 = 0
    /// Until when nobody is rung after that: if the caller has gone, that is heard by then.
    package var heldUntil: Timestamp?
    /// How many legs there have been.
    package var rings: Int64 = 0
    package var serviceAgent = ID.none
    package var serviceLeg = ID.none
    /// For how long the agent who took it had been available before it rang.
    package var agentIdle: Milliseconds = 0
    /// For how long that agent was rung.
    package var ringing: Milliseconds = 0
    /// How long the agent is kept after it.
    package var wrapUp: Milliseconds = 0
    package var endReason = EndReason.none
    package var serviceAt: Timestamp?
    package var endedAt: Timestamp?
    package var updatedAt: Timestamp?

    package var id: ID { new.id }
    package var isOpen: Bool { status != .done && status != .abandoned }

    /// From the coming to the agent's answer, or to the end of the wait without one; 0 while it waits.
    package var waitingTime: Milliseconds {
        guard let end = serviceAt ?? endedAt else { return 0 }
        return max(0, end - new.joinedAt)
    }

    /// The length of the talk; 0 until it is over.
    package var serviceTime: Milliseconds {
        guard let serviceAt, let endedAt else { return 0 }
        return max(0, endedAt - serviceAt)
    }
}

/// What happens to a queuecall.
package enum QueuecallEvent: DomainEvent, Hashable {
    /// Agents are to be rung; the worker with `journal` is told.
    package struct Ringing: Hashable, Sendable {
        package struct Leg: Hashable, Sendable {
            package var id: ID
            package var agent: ID
            package var addresses: [Address]
            package var idle: Milliseconds

            package init(id: ID, agent: ID, addresses: [Address], idle: Milliseconds) {
                self.id = id
                self.agent = agent
                self.addresses = addresses
                self.idle = idle
            }
        }

        package var attempt: ID
        package var journal: ID
        package var ringTimeout: Milliseconds
        package var serviceTimeout: Milliseconds
        package var legs: [Leg]

        package init(
            attempt: ID,
            journal: ID,
            ringTimeout: Milliseconds,
            serviceTimeout: Milliseconds,
            legs: [Leg]
        ) {
            self.attempt = attempt
            self.journal = journal
            self.ringTimeout = ringTimeout
            self.serviceTimeout = serviceTimeout
            self.legs = legs
        }
    }

    case created(Queuecall.New)
    case waiting
    case connecting(Ringing)
    /// An agent was rung in vain: `no_answer`, `busy`, `failed`, `late`, `ended`, or `no_report` when nothing was heard in time.
    case legEnded(leg: ID, agent: ID, result: String)
    /// Caller and agent talk since `at`.
    case serviced(leg: ID, agent: ID, at: Timestamp)
    /// An agent answered for a wait that is over: the worker is told to end the call, and with it the talk.
    case legRefused(leg: ID, agent: ID, attempt: ID, journal: ID)
    /// `wrapUp`: for how long the agent is kept.
    case done(Queuecall.EndReason, at: Timestamp, wrapUp: Milliseconds)
    /// With a `journal` the worker is told to have the caller leave.
    case abandoned(Queuecall.EndReason, at: Timestamp, attempt: ID, journal: ID?)
}

extension Queuecall {
    package typealias Event = QueuecallEvent

    /// Nobody is rung for this long after a ring that ended without a result.
    package static let vainPause: Milliseconds = 2_000
    /// After so many of them in a row the caller counts as gone.
    package static let mostVain: Int64 = 3

    /// Added to the time that an agent rings, for messages that are under way.
    package static let margin: Milliseconds = 10_000
    /// How long the order to ring may be under way; the rest of the margin is for the news of what came of it.
    package static let ringWithin: Milliseconds = 5_000

    package static func evolve(_ state: inout Queuecall?, _ event: QueuecallEvent, at time: Timestamp) {
        if case .created(let new) = event {
            state = Queuecall(new: new, status: .initiating)
            return
        }
        guard var queuecall = state else { return }
        state = nil
        queuecall.apply(event, at: time)
        state = queuecall
    }

    private mutating func apply(_ event: QueuecallEvent, at time: Timestamp) {
        switch event {
        case .created, .legRefused: break
        case .waiting: status = .waiting
        case .connecting(let ringing):
            status = .connecting
            rings += Int64(ringing.legs.count)
            let deadline = time + (ringing.ringTimeout + Queuecall.margin)
            legs += ringing.legs.map {
                Leg(id: $0.id, agent: $0.agent, rungAt: time, deadline: deadline, idle: $0.idle)
            }
        case .legEnded(let leg, let agent, let result):
            legs.removeAll { $0.id == leg }
            end(AgentLegReport.State(rawValue: result), leg, of: agent, at: time)
        case .serviced(let leg, let agent, let moment):
            if let rung = legs.first(where: { $0.id == leg }) {
                agentIdle = rung.idle
                ringing = max(0, moment - rung.rungAt)
            }
            status = .service
            legs = []
            serviceLeg = leg
            serviceAgent = agent
            serviceAt = moment
        case .done(let reason, let moment, let wrapUp):
            status = .done
            endReason = reason
            endedAt = moment
            self.wrapUp = wrapUp
        case .abandoned(let reason, let moment, _, _):
            status = .abandoned
            endReason = reason
            endedAt = moment
            legs = []
        }
        updatedAt = time
    }

    private mutating func end(_ result: AgentLegReport.State?, _ leg: ID, of agent: ID, at time: Timestamp) {
        switch result {
        case .ended:
            guard legs.isEmpty else { return }
            vain += 1
            heldUntil = time + Queuecall.vainPause
        case .late:
            // The way to its worker is slow: the next order would be late as well if it came at once.
            if legs.isEmpty { heldUntil = time + Queuecall.vainPause }
        default:
            vain = 0
            misses.removeAll { $0.agent == agent }
            misses.append(Miss(agent: agent, leg: leg, at: time))
        }
    }
}
