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
    /// In the order in which they were executed, whatever the order in which that was told.
    package var executed: [ExecutedAction]
    /// Which reports brought what is executed, in the same order.
    package var parts: [Part] = []
    /// The position in the journal of the latest report: what an older one says of the present is past.
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

    /// What one report brought: `count` executed actions.
    package struct Part: Hashable, Sendable {
        /// The report's position in the journal.
        package var sequence: Int64
        package var count: Int

        package init(sequence: Int64, count: Int) {
            self.sequence = sequence
            self.count = count
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
        if progress.sequence >= sequence { current = status == .ended ? nil : progress.current }
        insert(progress)
        sequence = max(sequence, progress.sequence)
        updatedAt = time
    }

    /// Puts in what was executed where it belongs, once.
    private mutating func insert(_ progress: Progress) {
        guard !progress.executed.isEmpty, !has(progress.sequence) else { return }
        let index = parts.lastIndex { $0.sequence < progress.sequence }.map { $0 + 1 } ?? 0
        let place = executed.count - parts[index...].reduce(0) { $0 + $1.count }
        executed.insert(contentsOf: progress.executed, at: place)
        parts.insert(Part(sequence: progress.sequence, count: progress.executed.count), at: index)
        var surplus = executed.count - Activeflow.executedLimit
        guard surplus > 0 else { return }
        executed.removeFirst(surplus)
        while surplus > 0, let first = parts.first {
            if first.count > surplus {
                parts[0].count -= surplus
            } else {
                parts.removeFirst()
            }
            surplus -= min(surplus, first.count)
        }
    }

    /// Whether the report at `sequence` brought something of what is executed.
    private func has(_ sequence: Int64) -> Bool { parts.reversed().contains { $0.sequence == sequence } }

    /// Whether a report says something that is not known: a later state, or actions that an earlier one left out.
    private func lacks(_ report: FlowProgress) -> Bool {
        if report.sequence > sequence || report.status == .ended && status != .ended { return true }
        return !report.executed.isEmpty && !has(report.sequence)
    }

    // MARK: - Rules

    /// What a worker's report changes: nothing when all of it is known. One that others have overtaken still brings what
    /// was executed.
    package static func hear(_ report: FlowProgress, current: Activeflow?, beginning: Beginning) -> [ActiveflowEvent] {
        if let current, !current.lacks(report) { return [] }
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
