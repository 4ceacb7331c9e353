package import Contracts

/// One person to reach: up to five destinations, and how far the dialing of them has come.
package struct Target: Aggregate, Hashable {
    package static let category = "target"
    package static let destinationCount = 5

    /// - `idle`: can be leased when due. To `progressing` by a lease, to `done` when it can never be dialed.
    /// - `progressing`: one attempt is under way. To `idle` or `done` when that attempt ends.
    /// - `done`: reached, or out of tries. To `idle` by a re-arm only.
    package enum Status: String, Sendable, CaseIterable {
        case idle, progressing, done
    }

    /// The right to one attempt, held until that attempt ends.
    package struct Lease: Hashable, Sendable {
        package var attempt: ID
        package var request: ID
        package var campaign: ID
        package var run: Int64
        package var destinationIndex: Int
        /// The do-not-call lists that did not have the number.
        package var checkedLists: [ListVersion]

        package init(
            attempt: ID,
            request: ID,
            campaign: ID,
            run: Int64,
            destinationIndex: Int,
            checkedLists: [ListVersion] = []
        ) {
            self.attempt = attempt
            self.request = request
            self.campaign = campaign
            self.run = run
            self.destinationIndex = destinationIndex
            self.checkedLists = checkedLists
        }
    }

    package var id: ID
    package var outdial: ID
    package var customer: ID
    package var name: String
    package var detail: String
    package var data: String
    /// 0 to 9, lower first.
    package var priority: Int
    package var timeZone: String
    /// Five, nil where there is none.
    package var destinations: [Address?]
    /// Further columns of the import, usable in flows.
    package var variables: [Variable]
    package var status: Status
    /// Five: the tries used on each destination.
    package var tryCounts: [Int]
    /// The tries that were used before it was re-armed, which count no more.
    package var earlierTries: Int
    package var lease: Lease?
    /// `success` or `fail` once done.
    package var result: String
    /// The hangup reason of the last attempt, or why it can never be dialed.
    package var resultReason: String
    /// Not before this moment; nil while it was never tried.
    package var nextTryAt: Timestamp?
    /// Since when it could be dialed, as long as it was never tried.
    package var waitingSince: Timestamp
    /// Attempts in a row that were never placed, for their growing pause.
    package var notPlacedInRow: Int
    /// Why it waits although it would be its turn.
    package var deferral: Deferral?
    /// The latest call to each number that was ever called for it, also to those that are no destinations any more.
    package var pastCalls: [PastCall]
    /// Its person wants no calls, and said so during the attempt that is under way.
    package var isOptedOut: Bool
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    package var deletedAt: Timestamp?

    package struct Variable: Hashable, Sendable {
        package var name: String
        package var value: String
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }
}

/// What happens to a target.
package enum TargetEvent: DomainEvent, Hashable {
    /// `at` is a moment of its own for each target, so that lists have one order.
    case created(TargetDraft, id: ID, outdial: ID, customer: ID, at: Timestamp)
    case deleted
    case leased(Target.Lease, tryCount: Int)
    /// `nextTryAt` nil: at once; `isDone`: no more attempts.
    case attemptFinished(AttemptEnd)
    /// It can never be dialed: `reason` says why.
    case closed(reason: String)
    case updated(TargetChanges)
    /// It was done and may be dialed again from its first destination on, with all tries.
    case rearmed
    /// It was its turn, and something stands against a call: told once, however long that lasts.
    case deferred(Target.Deferral)
    /// It may be looked at again.
    case resumed
    /// Its person said during the attempt that they want no calls.
    case optedOut

    /// How an attempt left its target.
    package struct AttemptEnd: Hashable, Sendable {
        package var attempt: ID
        package var outcome: AttemptFinished.Outcome
        package var result: String
        package var reason: String
        package var endedAt: Timestamp
        package var isDone: Bool
        package var nextTryAt: Timestamp?
        /// Until then nobody calls the number: its person may be on a call of which nobody reports.
        package var heldUntil: Timestamp?
    }
}

extension Target {
    package typealias Event = TargetEvent

    package static func evolve(_ state: inout Target?, _ event: TargetEvent, at time: Timestamp) {
        if case .created(let draft, let id, let outdial, let customer, let moment) = event {
            state = Target(
                id: id,
                outdial: outdial,
                customer: customer,
                name: draft.name,
                detail: draft.detail,
                data: draft.data,
                priority: draft.priority,
                timeZone: draft.timeZone,
                destinations: draft.destinations,
                variables: draft.variables,
                status: .idle,
                tryCounts: [0, 0, 0, 0, 0],
                earlierTries: 0,
                lease: nil,
                result: "",
                resultReason: "",
                nextTryAt: nil,
                waitingSince: time,
                notPlacedInRow: 0,
                deferral: nil,
                pastCalls: [],
                isOptedOut: false,
                createdAt: moment,
                updatedAt: moment,
                deletedAt: nil
            )
            return
        }
        guard var target = state else { return }
        state = nil
        target.apply(event, at: time)
        state = target
    }

    private mutating func apply(_ event: TargetEvent, at time: Timestamp) {
        updatedAt = time
        switch event {
        case .created: break
        case .deleted: deletedAt = time
        case .leased(let lease, let tryCount):
            status = .progressing
            self.lease = lease
            deferral = nil
            tryCounts[lease.destinationIndex] = tryCount
        case .attemptFinished(let end): finish(end)
        case .closed(let reason):
            status = .done
            result = "fail"
            resultReason = reason
            nextTryAt = nil
            deferral = nil
        case .updated(let changes):
            changes.apply(to: &self)
            if changes.timeZone != nil || !changes.destinations.isEmpty { deferral = nil }
        case .rearmed: rearm(at: time)
        case .deferred(let deferral): self.deferral = deferral
        case .resumed: deferral = nil
        case .optedOut: isOptedOut = true
        }
    }

    private mutating func rearm(at time: Timestamp) {
        status = .idle
        earlierTries += tryCounts.reduce(0, +)
        tryCounts = Array(repeating: 0, count: Target.destinationCount)
        result = ""
        resultReason = ""
        nextTryAt = nil
        waitingSince = time
        notPlacedInRow = 0
        deferral = nil
    }

    private mutating func finish(_ end: TargetEvent.AttemptEnd) {
        if let lease {
            if end.outcome != .placed { tryCounts[lease.destinationIndex] -= 1 }
            if end.outcome == .placed, let number = heldNumber {
                note(call: number, endedAt: max(end.endedAt, end.heldUntil ?? end.endedAt))
            }
        }
        lease = nil
        isOptedOut = false
        notPlacedInRow = end.outcome == .notPlaced ? notPlacedInRow + 1 : 0
        status = end.isDone ? .done : .idle
        result = end.isDone ? end.result : ""
        resultReason = end.reason
        nextTryAt = end.isDone ? nil : end.nextTryAt
    }

    private mutating func note(call number: String, endedAt: Timestamp) {
        if let index = pastCalls.firstIndex(where: { $0.number == number }) {
            pastCalls[index].endedAt = max(pastCalls[index].endedAt, endedAt)
        } else {
            pastCalls.append(PastCall(number: number, endedAt: endedAt))
        }
    }

    /// The number of the attempt that is under way: nobody else of the customer may be called there meanwhile.
    package var heldNumber: String? {
        lease.flatMap { destinations[$0.destinationIndex] }.map(DialedNumber.key)
    }

    /// Every try that was ever used, those before a re-arm included: each is a call that was placed.
    package var allTries: Int { earlierTries + tryCounts.reduce(0, +) }

    /// Whether any try was used: retries come after those never tried.
    package var wasTried: Bool { tryCounts.contains { $0 > 0 } }

    /// Whether it waits to be leased, now or later.
    package var isSelectable: Bool { status == .idle && deletedAt == nil }

    /// Since when it waits, or until when: the order within one priority.
    package var dueAt: Timestamp {
        let due = nextTryAt ?? waitingSince
        return deferral.map { max(due, $0.until ?? .endOfTime) } ?? due
    }
}
