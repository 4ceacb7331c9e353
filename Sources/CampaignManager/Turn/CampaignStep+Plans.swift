import CampaignDomain
import Contracts
import EventLog
import GRDB

/// What a claim carries of an outplan, and of the customer's own rules.
extension CampaignStep {
    func plan(of outplan: Outplan) throws -> DialPlan {
        let customer = try CampaignTables.customers.load(outplan.customer, in: turn)?.state
        return outplan.plan(for: customer)
    }

    /// Tells outdial-manager of every campaign of the customer that dials, or is still at it, what it may dial from now on.
    mutating func tellPlans(of customer: ID, _ context: EventContext) throws {
        let running = try CampaignTables.campaigns.fetch(
            "INDEXED BY campaign_active WHERE status <> 'stop' AND customer_id = ?",
            [customer],
            in: db
        )
        for campaign in running {
            let id = campaign.state.settings.outplan
            guard let outplan = try CampaignTables.outplans.load(id, in: turn)?.state else { continue }
            let change = CampaignEvent.planChanged(
                run: campaign.state.run,
                outdial: campaign.state.settings.outdial,
                plan: try plan(of: outplan)
            )
            try record([change], on: campaign, context)
        }
    }
}
