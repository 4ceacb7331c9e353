package import Contracts
package import Service

/// What one turn of campaign-manager's writer takes in.
package enum CampaignInput: Sendable {
    /// A request that changes something; `answer` is called once all of it is committed.
    case request(Request, answer: @Sendable (Reply) -> Void)
    /// The first half of a start: what to claim. The campaign counts as starting until one of the two next inputs.
    case prepareStart(Request, answer: @Sendable (Reply) -> Void)
    /// The second half: outdial-manager granted the claim for `run`.
    case start(Request, run: Int64, answer: @Sendable (Reply) -> Void)
    /// The claim was not granted.
    case startFailed(campaign: ID)
    /// What workers, engines and outdial-manager tell; acknowledged once it is committed.
    case message(IncomingMessage.Content, acknowledge: @Sendable () -> Void)
    /// The answer to a lease request.
    case leased(LeaseRequest, LeaseAnswer)
    /// What outdial-manager says to the claim of a campaign that follows another.
    case nextClaimed(NextClaim, ClaimAnswer)
    /// What outdial-manager knows of one claim, to compare with what runs here.
    case reconcile(ClaimReport)
    /// A command to another engine is not certain to be with the broker.
    case commandFailed(attempt: ID, EngineCommand.Failure)
    /// The broker gives back a command that no engine took, or that one took and did not answer for.
    case undelivered(attempt: ID, reason: String, acknowledge: @Sendable () -> Void)
    /// Time has passed. While the bus is away, nobody is silent and no answer is late.
    case tick(isConnected: Bool)
}

/// A request for targets, one at a time for each campaign.
package struct LeaseRequest: Hashable, Sendable {
    package var id: ID
    package var campaign: ID
    package var run: Int64
    package var customer: ID
    package var outdial: ID
    package var count: Int64
    /// Whether flows may speak of the targets.
    package var needsProfile = false
}

package enum LeaseAnswer: Hashable, Sendable {
    case leases([Lease], isExhausted: Bool)
    /// outdial-manager says that this run does not hold the claim.
    case claimLost
    /// No answer in time: leases may exist, the next reconciliation finds them.
    case unknown
}

/// The claim that a campaign needs to follow another.
package struct NextClaim: Hashable, Sendable {
    /// The campaign that has ended.
    package var ended: ID
    package var next: ID
    /// The run of `next` that it is for.
    package var run: Int64
    package var customer: ID
    package var outdial: ID
    package var plan: DialPlan
}

package enum ClaimAnswer: Hashable, Sendable {
    case granted
    case refused(Refusal)
    /// No answer in time: it may be held.
    case unknown
}

/// One claim as outdial-manager has it, with the leases that are open under it.
package struct ClaimReport: Hashable, Sendable {
    package struct OpenLease: Hashable, Sendable {
        package var lease: Lease
        package var campaign: ID
        package var run: Int64

        package init(lease: Lease, campaign: ID, run: Int64) {
            self.lease = lease
            self.campaign = campaign
            self.run = run
        }
    }

    package var outdial: ID
    package var campaign: ID
    package var run: Int64
    package var leases: [OpenLease]

    package init(outdial: ID, campaign: ID, run: Int64, leases: [OpenLease]) {
        self.outdial = outdial
        self.campaign = campaign
        self.run = run
        self.leases = leases
    }
}

/// What a turn wants done after its commit; the shell does it and comes back with an input.
package enum CampaignEffect: Hashable, Sendable {
    case lease(LeaseRequest)
    /// Claim again for a run that lost its claim.
    case reclaim(campaign: ID, run: Int64, customer: ID, outdial: ID, plan: DialPlan)
    case reconcile
    /// Publish a command to another dialing engine, this once.
    case dial(EngineCommand)
    /// Somebody's webhooks go elsewhere, or are signed with another secret.
    case webhooksChanged
    /// Count reports that changed nothing, and say so.
    case ignored(IgnoredReports)
    /// Claim for a campaign that follows another.
    case claimNext(NextClaim)
    /// Come back with a tick at this moment.
    case wake(at: Timestamp)
}
