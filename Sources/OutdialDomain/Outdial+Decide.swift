package import Contracts

/// The rules of outdials: each answers with the events to record, or refuses.
extension Outdial {
    package static func create(id: ID, customer: ID, body: RequestBody) throws(Refusal) -> [OutdialEvent] {
        [
            .created(
                id: id,
                customer: customer,
                name: try body.text("name") ?? "",
                detail: try body.text("detail") ?? "",
                data: body.freeText("data") ?? "",
                campaign: try body.id("campaign_id") ?? .none
            )
        ]
    }

    package func update(body: RequestBody) throws(Refusal) -> [OutdialEvent] {
        let (name, detail, data) = (try body.text("name"), try body.text("detail"), body.freeText("data"))
        let isUnchanged =
            (name ?? self.name) == self.name && (detail ?? self.detail) == self.detail
            && (data ?? self.data) == self.data
        return isUnchanged ? [] : [.updated(name: name, detail: detail, data: data)]
    }

    /// `PUT …/campaign_id`: a label only, it starts and stops nothing.
    package func assign(campaign: ID) throws(Refusal) -> [OutdialEvent] {
        if let claim, claim.campaign != campaign {
            throw Refusal(
                .failedPrecondition,
                "OUTDIAL_IN_USE",
                "campaign \(claim.campaign) is running on this outdial; stop it before assigning another"
            )
        }
        return campaign == assignedCampaign ? [] : [.campaignAssigned(campaign: campaign)]
    }

    package func delete() throws(Refusal) -> [OutdialEvent] {
        if let claim {
            throw .state("campaign \(claim.campaign) is running on this outdial; stop it before deleting the outdial")
        }
        return deletedAt == nil ? [.deleted] : []
    }

    /// One running campaign at a time; the same run claims again for nothing, a later run of the same campaign takes over.
    package func claim(campaign: ID, run: Int64, plan: DialPlan) throws(Refusal) -> [OutdialEvent] {
        guard deletedAt == nil else {
            throw .invalid("outdial_id", "names an outdial that is deleted; give the campaign another")
        }
        if let claim {
            guard claim.campaign == campaign else {
                throw Refusal(
                    .failedPrecondition,
                    "OUTDIAL_IN_USE",
                    "campaign \(claim.campaign) is running on this outdial; stop it first",
                    details: [["campaign_id": .id(claim.campaign)]]
                )
            }
            guard run >= claim.run else { throw .state("run \(claim.run) of this campaign holds the outdial already") }
            if run == claim.run, plan == self.plan { return [] }
        }
        return [.claimed(campaign: campaign, run: run, plan: plan)]
    }

    /// Nothing happens for a run that no longer holds it.
    package func release(campaign: ID, run: Int64) -> [OutdialEvent] {
        holds(campaign: campaign, run: run) ? [.released(campaign: campaign, run: run)] : []
    }

    package func change(plan: DialPlan, campaign: ID, run: Int64) -> [OutdialEvent] {
        holds(campaign: campaign, run: run) && plan != self.plan ? [.planChanged(plan: plan)] : []
    }

    /// A lease that got fewer targets than it asked for.
    package func wish() -> [OutdialEvent] {
        guard let claim, !isWishing else { return [] }
        return [.wished(campaign: claim.campaign, run: claim.run)]
    }

    /// What to tell the claimant after targets changed: that there is work again, or that there never will be.
    package func notice(hasEligible: Bool, idle: Int64, progressing: Int64) -> [OutdialEvent] {
        guard let claim else { return [] }
        if isWishing, hasEligible { return [.ready(campaign: claim.campaign, run: claim.run)] }
        if !isExhausted, idle == 0, progressing == 0 { return [.exhausted(campaign: claim.campaign, run: claim.run)] }
        return []
    }

    package func holds(campaign: ID, run: Int64) -> Bool {
        claim == Claim(campaign: campaign, run: run)
    }
}
