package import Contracts

/// The run of a flow for one attempt, as its worker tells of it. Its id follows from the attempt's.
package struct Activeflow: Aggregate, Hashable {
    package static let category = "activeflow"

    /// - `running`: To `ended` when the flow, or its call, is over.
    /// - `ended`: Final.
    package enum Status: String, Sendable, CaseIterable {
        case running, ended
    }

    /// What the public object shows at most: the last ones.
    package static let executedLimit = 1000

    package var id: ID
    package var customer: ID
    package var campaign: ID
    /// The campaigncall.
    package var attempt: ID
    /// The flow that the campaign named; ``ID/none`` for actions of its own.
    package var flow: ID
    /// The call that it runs on; ``ID/none`` for one that runs without.
    package var call: ID
    package var journal: ID
    package var status: Status
    package var current: ExecutedAction?
    package var executed: [ExecutedAction]
    /// The position in the journal of what was told last: older news is none.
    package var sequence: Int64
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?
    package var endedAt: Timestamp?
    package var stopRequestedAt: Timestamp?
}

/// What happens to an activeflow.
package enum ActiveflowEvent: DomainEvent, Hashable {
    case created(Activeflow.Beginning)
    case updated(Activeflow.Progress)
    /// The flow is over, `executed` being the last of it.
    case ended(Activeflow.Progress)
    /// A customer wants it to end: its worker is told.
    case stopRequested(attempt: ID, journal: ID)
}

extension Activeflow {
    package typealias Event = ActiveflowEvent

    package struct Beginning: Hashable, Sendable {
        package var id: ID
        package var customer: ID
        package var campaign: ID
        package var attempt: ID
        package var flow: ID
        package var call: ID
        package var journal: ID
        /// A moment of its own for each, so that lists have one order.
        package var at: Timestamp

        package init(
            id: ID,
            customer: ID,
            campaign: ID,
            attempt: ID,
            flow: ID,
            call: ID,
            journal: ID,
            at: Timestamp
        ) {
            self.id = id
            self.customer = customer
            self.campaign = campaign
            self.attempt = attempt
            self.flow = flow
            self.call = call
            self.journal = journal
            self.at = at
        }
    }

    package struct Progress: Hashable, Sendable {
        package var current: ExecutedAction?
        package var executed: [ExecutedAction]
        package var sequence: Int64
        package var at: Timestamp

        package init(current: ExecutedAction?, executed: [ExecutedAction], sequence: Int64, at: Timestamp) {
            self.current = current
            self.executed = executed
            self.sequence = sequence
            self.at = at
        }
    }

    package static func evolve(_ state: inout Activeflow?, _ event: ActiveflowEvent, at time: Timestamp) {
        switch event {
        case .created(let beginning):
            state = Activeflow(
                id: beginning.id,
                customer: beginning.customer,
                campaign: beginning.campaign,
                attempt: beginning.attempt,
                flow: beginning.flow,
                call: beginning.call,
                journal: beginning.journal,
                status: .running,
                current: nil,
                executed: [],
                sequence: 0,
                createdAt: beginning.at,
                updatedAt: nil,
                endedAt: nil,
                stopRequestedAt: nil
            )
        case .updated(let progress): state?.apply(progress, at: time)
        case .ended(let progress):
            state?.apply(progress, at: time)
            state?.status = .ended
            state?.current = nil
            if state?.endedAt == nil { state?.endedAt = progress.at }
        case .stopRequested:
            state?.stopRequestedAt = time
            state?.updatedAt = time
        }
    }

    private mutating func apply(_ progress: Progress, at time: Timestamp) {
        current = status == .ended ? nil : progress.current
        executed += progress.executed
        if executed.count > Activeflow.executedLimit { executed.removeFirst(executed.count - Activeflow.executedLimit) }
        sequence = max(sequence, progress.sequence)
        updatedAt = time
    }

    // MARK: - Rules

    /// What a worker's report changes: nothing when it is older than what is known.
    package static func hear(_ report: FlowProgress, current: Activeflow?, beginning: Beginning) -> [ActiveflowEvent] {
        if let current, report.sequence <= current.sequence { return [] }
        let progress = Progress(
            current: report.current,
            executed: report.executed,
            sequence: report.sequence,
            at: report.at
        )
        let isOver = report.status == .ended && current?.status != .ended
        let change: ActiveflowEvent = isOver ? .ended(progress) : .updated(progress)
        return current == nil ? [.created(beginning), change] : [change]
    }

    /// Its call is over, whatever its worker still has to tell.
    package func finish(at moment: Timestamp) -> [ActiveflowEvent] {
        guard status == .running else { return [] }
        return [.ended(Progress(current: nil, executed: [], sequence: sequence, at: moment))]
    }

    /// Nothing when that is under way already.
    package func requestStop() throws(Refusal) -> [ActiveflowEvent] {
        guard status == .running else { throw .state("the flow has ended; there is nothing to stop") }
        return stopRequestedAt == nil ? [.stopRequested(attempt: attempt, journal: journal)] : []
    }
}
