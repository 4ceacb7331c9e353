package import Contracts

/// A list of people to reach, and which campaign works through it at the moment.
package struct Outdial: Aggregate, Hashable {
    package static let category = "outdial"

    package var id: ID
    package var customer: ID
    package var name: String
    package var detail: String
    package var data: String
    /// What `PUT …/campaign_id` set; shown while no campaign runs on it.
    package var assignedCampaign: ID
    /// The running campaign that alone may lease its targets.
    package var claim: Claim?
    /// The plan of the latest claim; it outlives the claim, for attempts that end late.
    package var plan: DialPlan?
    /// The claimant asked for more than there was: tell it once when something becomes eligible.
    package var isWishing: Bool
    /// The claimant was told that no target can ever be dialed.
    package var isExhausted: Bool
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?
    package var deletedAt: Timestamp?

    /// The exclusive right of one run of one campaign.
    package struct Claim: Hashable, Sendable {
        package var campaign: ID
        package var run: Int64
    }
}

/// What happens to an outdial.
package enum OutdialEvent: DomainEvent, Hashable {
    case created(id: ID, customer: ID, name: String, detail: String, data: String, campaign: ID)
    case updated(name: String?, detail: String?, data: String?)
    case campaignAssigned(campaign: ID)
    case deleted
    case claimed(campaign: ID, run: Int64, plan: DialPlan)
    case planChanged(plan: DialPlan)
    case released(campaign: ID, run: Int64)
    /// A lease got fewer targets than it asked for.
    case wished(campaign: ID, run: Int64)
    /// The wish is answered: something can be leased now.
    case ready(campaign: ID, run: Int64)
    /// No lease is open and no target could ever be dialed under the plan.
    case exhausted(campaign: ID, run: Int64)
}

extension Outdial {
    package typealias Event = OutdialEvent

    package static func evolve(_ state: inout Outdial?, _ event: OutdialEvent, at time: Timestamp) {
        if case .created(let id, let customer, let name, let detail, let data, let campaign) = event {
            state = Outdial(
                id: id,
                customer: customer,
                name: name,
                detail: detail,
                data: data,
                assignedCampaign: campaign,
                claim: nil,
                plan: nil,
                isWishing: false,
                isExhausted: false,
                createdAt: time,
                updatedAt: nil,
                deletedAt: nil
            )
            return
        }
        guard var outdial = state else { return }
        state = nil
        outdial.apply(event, at: time)
        state = outdial
    }

    private mutating func apply(_ event: OutdialEvent, at time: Timestamp) {
        switch event {
        case .created: break
        case .updated(let name, let detail, let data):
            self.name = name ?? self.name
            self.detail = detail ?? self.detail
            self.data = data ?? self.data
            updatedAt = time
        case .campaignAssigned(let campaign):
            assignedCampaign = campaign
            updatedAt = time
        case .deleted: deletedAt = time
        case .claimed(let campaign, let run, let plan):
            claim = Claim(campaign: campaign, run: run)
            self.plan = plan
            isWishing = false
            isExhausted = false
        case .planChanged(let plan):
            self.plan = plan
            isExhausted = false
        case .released:
            claim = nil
            isWishing = false
            isExhausted = false
        case .wished: isWishing = true
        case .ready:
            isWishing = false
            isExhausted = false
        case .exhausted: isExhausted = true
        }
    }
}
