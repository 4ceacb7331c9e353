package import Contracts

/// One attempt to reach one target: its id is the attempt's id, for ever bound to one worker's journal.
package struct Campaigncall: Aggregate, Hashable {
    package static let category = "campaigncall"

    /// How far the call has come; it never goes back.
    ///
    /// - `assigned`: given to the worker. To `dialing`, or to `done` when it is refused or never heard of again.
    /// - `dialing`, `ringing`: placed, not answered. To `answered` or `done`.
    /// - `answered`: To `done`.
    /// - `done`: has its one terminal result.
    package enum Phase: Int64, Sendable, CaseIterable, Comparable {
        case assigned, dialing, ringing, answered, done

        package static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    /// What was decided when it was created.
    package struct Assignment: Hashable, Sendable {
        package var id: ID
        package var customer: ID
        package var campaign: ID
        package var run: Int64
        package var outplan: ID
        package var outdial: ID
        package var target: ID
        package var queue: ID
        package var flow: ID
        package var call: ID
        package var source: Address?
        package var destination: Address
        package var destinationIndex: Int
        package var tryCount: Int
        package var worker: String
        package var journal: ID
        /// The route whose other dialing engine places it; "" for a worker of ours. Then `worker` is `engine/<route>`, and
        /// `journal` stands for the route: nobody can be asked what became of it.
        package var engine: String
        package var dialTimeout: Milliseconds
        package var maximumTalkTime: Milliseconds
        package var startBy: Timestamp
        /// A moment of its own for each, so that lists have one order.
        package var createdAt: Timestamp
        /// Somebody tries the campaign on a number of their own: it has no target, and no run and no count knows it.
        package var isTest: Bool
        package var kind: DialCommand.Kind
        /// What runs once it is answered; ``ID/none``: nothing.
        package var program: ID
        /// With a program: what its flow may say of the target. Kept in the event alone.
        package var profile: TargetProfile

        package init(
            id: ID,
            customer: ID,
            campaign: ID,
            run: Int64,
            outplan: ID,
            outdial: ID,
            target: ID,
            queue: ID,
            flow: ID,
            call: ID,
            source: Address?,
            destination: Address,
            destinationIndex: Int,
            tryCount: Int,
            worker: String,
            journal: ID,
            engine: String = "",
            dialTimeout: Milliseconds,
            maximumTalkTime: Milliseconds,
            startBy: Timestamp,
            createdAt: Timestamp,
            isTest: Bool = false,
            kind: DialCommand.Kind = .call,
            program: ID = .none,
            profile: TargetProfile = .empty
        ) {
            self.id = id
            self.customer = customer
            self.campaign = campaign
            self.run = run
            self.outplan = outplan
            self.outdial = outdial
            self.target = target
            self.queue = queue
            self.flow = flow
            self.call = call
            self.source = source
            self.destination = destination
            self.destinationIndex = destinationIndex
            self.tryCount = tryCount
            self.worker = worker
            self.journal = journal
            self.engine = engine
            self.dialTimeout = dialTimeout
            self.maximumTalkTime = maximumTalkTime
            self.startBy = startBy
            self.createdAt = createdAt
            self.isTest = isTest
            self.kind = kind
            self.program = program
            self.profile = profile
        }

        /// The run of its flow; ``ID/none`` when it runs none.
        package var activeflow: ID { program.isNone ? .none : .activeflow(of: id) }
    }

    package var assignment: Assignment
    package var phase: Phase
    /// Its worker was asked what it knows of it.
    package var isSettling: Bool
    package var outcome: AttemptFinished.Outcome?
    package var hangupReason: String
    package var hangupBy: String
    package var digits: String
    package var dialedAt: Timestamp?
    package var ringingAt: Timestamp?
    package var answeredAt: Timestamp?
    package var endedAt: Timestamp?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?
    package var deletedAt: Timestamp?
    /// When a customer asked for its end.
    package var hangupRequestedAt: Timestamp?
    /// The last wait in a queue; ``ID/none`` before the first.
    package var queuecall = ID.none

    package var result: String {
        guard phase == .done else { return "" }
        return HangupReason(reported: hangupReason).result
    }

    package var isOpen: Bool { phase != .done }

    /// The queue of its campaign, while it may still need an agent of it and does not wait there yet.
    package var neededQueue: ID? {
        isOpen && queuecall.isNone && !assignment.queue.isNone && assignment.kind == .call ? assignment.queue : nil
    }

    /// Attempts that were never placed are hidden from lists and counts unless asked for.
    package var wasNotDialed: Bool { outcome == .notPlaced && !assignment.isTest }
}

/// What happens to a campaigncall.
package enum CampaigncallEvent: DomainEvent, Hashable {
    case created(Campaigncall.Assignment)
    case dialing(at: Timestamp)
    case ringing(at: Timestamp)
    case progressing(at: Timestamp)
    case digits(String, at: Timestamp)
    /// The one terminal result. Tells outdial-manager to move `target`.
    case finished(AttemptFinished, hangupBy: String)
    /// A result after the first one: recorded, never applied.
    case lateResultIgnored(reason: String, at: Timestamp)
    /// Its worker, or that worker's deadline, is overdue: the journal is asked. `because` says what was overdue.
    case settling(because: String, journal: ID)
    /// The journal holds it: its end will be reported.
    case claimConfirmed
    /// outdial-manager seems not to have heard the result: told again.
    case resultRepeated(AttemptFinished)
    /// Of another dialing engine: something is missing that would tell how it ended, and `because` says what.
    case reportMissing(because: String)
    /// A customer wants it to end: its worker is told.
    case hangupRequested(journal: ID)
    /// The caller waits in a queue.
    case queueJoined(queuecall: ID, queue: ID)
    /// The caller came to a queue that is not there: its worker is told to go on.
    case queueRefused(queuecall: ID, queue: ID, reason: String, journal: ID)
    case deleted
}

extension Campaigncall {
    package typealias Event = CampaigncallEvent

    package static func evolve(_ state: inout Campaigncall?, _ event: CampaigncallEvent, at time: Timestamp) {
        if case .created(var assignment) = event {
            // Its worker was told; nobody else needs it.
            assignment.profile = .empty
            state = Campaigncall(
                assignment: assignment,
                phase: .assigned,
                isSettling: false,
                outcome: nil,
                hangupReason: "",
                hangupBy: "",
                digits: "",
                dialedAt: nil,
                ringingAt: nil,
                answeredAt: nil,
                endedAt: nil,
                createdAt: assignment.createdAt,
                updatedAt: nil,
                deletedAt: nil
            )
            return
        }
        guard var call = state else { return }
        state = nil
        call.apply(event, at: time)
        state = call
    }

    private mutating func apply(_ event: CampaigncallEvent, at time: Timestamp) {
        if case .resultRepeated = event { return }
        updatedAt = time
        switch event {
        case .created, .lateResultIgnored, .resultRepeated, .reportMissing: break
        case .dialing(let moment):
            phase = .dialing
            dialedAt = moment
        case .ringing(let moment):
            phase = .ringing
            ringingAt = moment
        case .progressing(let moment):
            phase = .answered
            answeredAt = moment
        case .digits(let digits, _): self.digits += digits
        case .finished(let finished, let by):
            phase = .done
            isSettling = false
            outcome = finished.outcome
            hangupReason = finished.reason
            hangupBy = by
            endedAt = finished.endedAt
        case .settling: isSettling = true
        case .claimConfirmed: isSettling = false
        case .hangupRequested: hangupRequestedAt = time
        case .queueJoined(let queuecall, _), .queueRefused(let queuecall, _, _, _): self.queuecall = queuecall
        case .deleted: deletedAt = time
        }
    }
}
