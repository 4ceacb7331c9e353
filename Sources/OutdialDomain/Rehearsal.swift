package import Contracts

/// How many tries each destination of a target has used, in one number: a million targets are counted by it.
///
/// Eight bits for each destination, the first one lowest; 255 stands for no destination.
package struct TriesUsed: Hashable, Sendable {
    package let packed: Int64
    private static let absent = 255

    package init(packed: Int64) { self.packed = packed }

    package init(of target: Target) {
        packed = target.destinations.indices.reduce(0) { packed, index in
            let used = target.destinations[index] == nil ? TriesUsed.absent : min(254, target.tryCounts[index])
            return packed | Int64(used) << (8 * Int64(index))
        }
    }

    package subscript(index: Int) -> Int? {
        let used = Int(packed >> (8 * Int64(index))) & 0xFF
        return used == TriesUsed.absent ? nil : used
    }

    package var wasTried: Bool { indices.contains { (self[$0] ?? 0) > 0 } }

    /// Whether a destination has a try left under `plan`.
    package func canBeDialed(under plan: DialPlan) -> Bool {
        indices.contains { index in self[index].map { $0 < plan.maximumTries[index] } ?? false }
    }

    /// Whether `plan` dials any of the destinations at all.
    package func hasDestination(for plan: DialPlan) -> Bool {
        indices.contains { self[$0] != nil && plan.maximumTries[$0] > 0 }
    }

    private var indices: Range<Int> { 0..<Target.destinationCount }
}

/// What a campaign would find in an outdial if it started now: who could be dialed at once, later, or never, and why.
package struct Rehearsal: Hashable, Sendable {
    /// Targets that are alike in all that counts here.
    package struct Group: Hashable, Sendable {
        package var status: Target.Status
        package var tries: TriesUsed
        /// When the last of them becomes due; nil when all are due.
        package var dueAt: Timestamp?
        package var targets: Int64

        package init(status: Target.Status, tries: TriesUsed, dueAt: Timestamp?, targets: Int64) {
            self.status = status
            self.tries = tries
            self.dueAt = dueAt
            self.targets = targets
        }
    }

    package enum Reason: String, Sendable, CaseIterable {
        /// Later: it was tried, and the interval to its next try is not over.
        case tryInterval = "try_interval"
        /// Later: its last attempt could not be placed.
        case notPlaced = "not_placed"
        /// Later: an attempt at it is under way.
        case progressing
        /// Later: where it is, it is no time to call.
        case outsideWindow = "outside_window"
        /// Later: another attempt has a call to its number.
        case numberBusy = "number_busy"
        /// Later: its number was called a short while ago.
        case numberRecent = "number_recent"
        /// Never, without a re-arm.
        case alreadyDone = "already_done"
        /// Never: every destination that the plan dials has used its tries.
        case noTriesLeft = "no_tries_left"
        /// Never: it has none of the destinations that the plan dials.
        case noDestination = "no_destination"
        /// Never: the campaign has no plan.
        case noOutplan = "no_outplan"
        /// Never: every number that is left is on a do-not-call list.
        case doNotCall = "do_not_call"
        /// Never: the plan has windows or holidays, and nobody knows what time it is where it is.
        case unknownZone = "unknown_zone"
        /// Never: no moment is within the windows in all zones in which its number may be.
        case noWindow = "no_window"

        var when: String {
            switch self {
            case .tryInterval, .notPlaced, .progressing, .outsideWindow, .numberBusy, .numberRecent: "later"
            case .alreadyDone, .noTriesLeft, .noDestination, .noOutplan, .doNotCall, .unknownZone, .noWindow: "never"
            }
        }
    }

    package private(set) var targets: Int64 = 0
    package private(set) var now: Int64 = 0
    package private(set) var reasons: [Reason: Int64] = [:]
    /// When the last target that waits becomes due; nil when none waits for a time.
    package private(set) var laterUntil: Timestamp?

    package init() {}

    /// - Parameter plan: nil for a campaign without an outplan: then nobody could be dialed.
    package mutating func add(_ group: Group, under plan: DialPlan?) {
        targets += group.targets
        guard let reason = Rehearsal.reason(of: group, plan) else {
            now += group.targets
            return
        }
        reasons[reason, default: 0] += group.targets
        if let dueAt = group.dueAt, reason.when == "later" { laterUntil = max(laterUntil ?? dueAt, dueAt) }
    }

    /// Counts one target by what a lease at `now` would make of it.
    package mutating func add(
        _ target: Target,
        under plan: DialPlan,
        now: Timestamp,
        _ conditions: DialingConditions
    ) throws {
        // Whatever deferred it is judged anew, as a start would.
        var target = target
        target.deferral = nil
        let waits = target.status == .idle && target.dueAt > now
        let group = Group(
            status: target.status,
            tries: TriesUsed(of: target),
            dueAt: waits ? target.dueAt : nil,
            targets: 1
        )
        guard Rehearsal.reason(of: group, plan) == nil else { return add(group, under: plan) }
        targets += 1
        let (attempt, campaign) = (ID.none, ID.none)
        let events = try target.lease(
            attempt: attempt,
            request: attempt,
            campaign: campaign,
            run: 0,
            plan: plan,
            now: now,
            under: conditions
        )
        switch events.first {
        case .deferred(let deferral):
            reasons[Reason(rawValue: deferral.reason.rawValue) ?? .progressing, default: 0] += 1
            if let until = deferral.until { laterUntil = max(laterUntil ?? until, until) }
        case .closed(let reason): reasons[Reason(rawValue: reason) ?? .noTriesLeft, default: 0] += 1
        default: self.now += 1
        }
    }

    /// Nil for what can be dialed now.
    private static func reason(of group: Group, _ plan: DialPlan?) -> Reason? {
        if group.status == .done { return .alreadyDone }
        guard let plan else { return .noOutplan }
        if group.status == .progressing { return .progressing }
        guard group.tries.hasDestination(for: plan) else { return .noDestination }
        guard group.tries.canBeDialed(under: plan) else { return .noTriesLeft }
        guard group.dueAt != nil else { return nil }
        return group.tries.wasTried ? .tryInterval : .notPlaced
    }

    package func count(_ when: String) -> Int64 { reasons.reduce(0) { $0 + ($1.key.when == when ? $1.value : 0) } }

    package var json: JSONObject {
        [
            "targets": .integer(targets), "now": .integer(now), "later": .integer(count("later")),
            "later_until": .optional(laterUntil), "never": .integer(count("never")),
            "reasons": .array(
                Reason.allCases.compactMap { reason in
                    reasons[reason].map {
                        ["when": .string(reason.when), "reason": .string(reason.rawValue), "targets": .integer($0)]
                    }
                }
            ),
        ]
    }
}
