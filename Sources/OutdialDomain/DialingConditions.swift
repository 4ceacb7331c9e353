package import Contracts

/// What stands against a call at a moment, beside the target's own tries: the answers that the shell looks up.
package struct DialingConditions {
    /// Whether somebody can be called where they are.
    package enum Opening: Hashable, Sendable {
        case open
        case closed(until: Timestamp, zone: String)
        /// No moment is allowed in all zones in which the number may be.
        case never
        case unknownZone
    }

    /// The do-not-call lists that were asked, in the versions that they had.
    package var lists: [ListVersion] = []
    /// Whether a number is on one of them.
    package var isListed: (_ number: String) throws -> Bool = { _ in false }
    /// The attempt of the same customer that has a call to the number.
    package var holder: (_ number: String) throws -> ID? = { _ in nil }
    /// When the latest call to the number ended, over all lists of the customer; a moment to come when somebody may be on
    /// the line until then.
    package var lastCall: (_ number: String) throws -> Timestamp? = { _ in nil }
    package var opening: (Target, Address) -> Opening = { _, _ in .open }

    /// Nothing stands against anybody.
    package init() {}
}

extension Target {
    /// Leases it for one attempt; closes it when it can never be dialed under `plan`; defers it when something stands
    /// against a call now. Nothing when it is not due.
    package func lease(
        attempt: ID,
        request: ID,
        campaign: ID,
        run: Int64,
        plan: DialPlan,
        now: Timestamp,
        under conditions: DialingConditions = DialingConditions()
    ) throws -> [TargetEvent] {
        guard isSelectable, dueAt <= now else { return [] }
        guard let next = try nextDestination(under: plan, conditions) else {
            let isListed = nextDestination(under: plan) != nil
            if isListed { return [.closed(reason: TargetReasons.doNotCall)] }
            return [.closed(reason: wasTried ? resultReason : TargetReasons.neverDialed)]
        }
        let number = DialedNumber.key(of: next.address)
        switch conditions.opening(self, next.address) {
        case .open: break
        case .unknownZone: return [.closed(reason: TargetReasons.unknownZone)]
        case .never: return [.closed(reason: TargetReasons.noWindow)]
        case .closed(let until, let zone):
            return [.deferred(Deferral(reason: .outsideWindow, until: until, zone: zone))]
        }
        if let holder = try conditions.holder(number) {
            return [.deferred(Deferral(reason: .numberBusy, until: nil, by: holder, number: number))]
        }
        let last = try conditions.lastCall(number)
        if let last, last > now { return [.deferred(Deferral(reason: .numberBusy, until: last))] }
        if plan.minimumInterval > 0, let last, last + plan.minimumInterval > now {
            return [.deferred(Deferral(reason: .numberRecent, until: last + plan.minimumInterval))]
        }
        let lease = Lease(
            attempt: attempt,
            request: request,
            campaign: campaign,
            run: run,
            destinationIndex: next.index,
            checkedLists: conditions.lists
        )
        return [.leased(lease, tryCount: tryCounts[next.index] + 1)]
    }

    /// The destination to dial next that is on no do-not-call list.
    private func nextDestination(
        under plan: DialPlan,
        _ conditions: DialingConditions
    ) throws -> (index: Int, address: Address)? {
        for index in destinations.indices where tryCounts[index] < plan.maximumTries[index] {
            guard let address = destinations[index] else { continue }
            if try !conditions.isListed(DialedNumber.key(of: address)) { return (index, address) }
        }
        return nil
    }

    /// Lets it be looked at again: what deferred it is over, or is to be judged anew.
    package func resume() -> [TargetEvent] { deferral == nil ? [] : [.resumed] }

    /// Its person wants no calls: it is closed for that reason, at once or when its attempt is over, whatever its result.
    package func optOut() -> [TargetEvent] {
        switch status {
        case .progressing: isOptedOut ? [] : [.optedOut]
        case .idle: [.closed(reason: TargetReasons.doNotCall)]
        case .done: resultReason == TargetReasons.doNotCall ? [] : [.closed(reason: TargetReasons.doNotCall)]
        }
    }
}
