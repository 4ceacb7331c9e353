package import Contracts

/// A campaign: which list is dialed, how, and whether it is dialing now.
package struct Campaign: Aggregate, Hashable {
    package static let category = "campaign"

    /// - `stop`: no dialing; the first state. To `run` by a start.
    /// - `run`: dialing. To `stopping` by a stop while calls are open, to `stop` by a stop or when the list is exhausted.
    /// - `stopping`: no new dials, open calls end. To `stop` when the last one is over, to `run` by a start.
    package enum Status: String, Sendable, CaseIterable {
        case stop, run, stopping
    }

    /// Why it is in `stop`.
    package enum EndReason: String, Sendable {
        case none = ""
        case exhausted, requested, failed
    }

    package var id: ID
    package var customer: ID
    package var settings: CampaignSettings
    package var status: Status
    /// Raised at each start: what was asked for in an earlier run never counts in a later one.
    package var run: Int64
    package var endReason: EndReason
    package var endedAt: Timestamp?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?
    package var deletedAt: Timestamp?
    /// When its latest run began.
    package var startedAt: Timestamp?
    /// In `stopping`: since when.
    package var stoppingSince: Timestamp?
    /// No new dials in whatever status; calls go on. A paused campaign does not end by exhaustion.
    package var isPaused = false
    /// What became of the campaign that was to follow its latest exhausted run.
    package var succession: Succession?
}

/// What happens to a campaign.
package enum CampaignEvent: DomainEvent, Hashable {
    case created(id: ID, customer: ID, settings: CampaignSettings)
    /// The members of the settings that changed.
    case updated(changes: JSONValue)
    case started(run: Int64)
    /// `journals`: the workers that hold open attempts and are told to cancel what is not answered.
    case stopping(run: Int64, reason: Campaign.EndReason, journals: [ID])
    /// The claim on `outdial` ends with it.
    case stopped(run: Int64, reason: Campaign.EndReason, outdial: ID)
    /// A lease that cannot be used (the campaign no longer runs, no worker is free): given back untouched.
    case leaseReturned(run: Int64, attempt: ID, target: ID, outdial: ID, outcome: AttemptFinished.Outcome)
    /// A claim that no run of ours holds, left by a start that was cut off: given back.
    case claimDropped(run: Int64, outdial: ID)
    /// The outplan in use changed: the claim on `outdial` follows it.
    case planChanged(run: Int64, outdial: ID, plan: DialPlan)
    case deleted
    case paused
    case unpaused
    /// `run` is exhausted, and `next` is to be started: wished for until one of the next two says what came of it.
    case nextDue(run: Int64, next: ID)
    /// In the commit that starts run `nextRun` of `next`: so it is started once.
    case nextStarted(run: Int64, next: ID, nextRun: Int64)
    /// It is not started, for a `reason` for programs and a `message` for people.
    case nextSkipped(run: Int64, next: ID, reason: String, message: String)
}

extension Campaign {
    package typealias Event = CampaignEvent

    package static func evolve(_ state: inout Campaign?, _ event: CampaignEvent, at time: Timestamp) {
        if case .created(let id, let customer, let settings) = event {
            state = Campaign(
                id: id,
                customer: customer,
                settings: settings,
                status: .stop,
                run: 0,
                endReason: .none,
                endedAt: nil,
                createdAt: time,
                updatedAt: nil,
                deletedAt: nil
            )
            return
        }
        guard var campaign = state else { return }
        state = nil
        campaign.apply(event, at: time)
        state = campaign
    }

    private mutating func apply(_ event: CampaignEvent, at time: Timestamp) {
        switch event {
        case .created, .leaseReturned, .planChanged: return
        case .claimDropped(let run, _):
            // Its release is still under way: the next start must be another run.
            self.run = max(self.run, run)
            return
        case .updated(let changes): settings = settings.applying(changes)
        case .started(let run):
            status = .run
            self.run = run
            endReason = .none
            endedAt = nil
            startedAt = time
            stoppingSince = nil
        case .stopping(_, let reason, _):
            status = .stopping
            endReason = reason
            stoppingSince = time
        case .stopped(_, let reason, _):
            status = .stop
            endReason = reason
            endedAt = time
            stoppingSince = nil
        case .deleted: deletedAt = time
        case .paused: isPaused = true
        case .unpaused: isPaused = false
        case .nextDue(let run, let next): succession = Succession(run: run, next: next, result: .due)
        case .nextStarted(let run, let next, _): succession = Succession(run: run, next: next, result: .started)
        case .nextSkipped(let run, let next, let reason, _):
            succession = Succession(run: run, next: next, result: .skipped, reason: reason)
        }
        updatedAt = time
    }

    package var isDialing: Bool { status == .run && deletedAt == nil }

    /// Whether it may have new calls now.
    package var takesLeases: Bool { isDialing && !isPaused }
}
