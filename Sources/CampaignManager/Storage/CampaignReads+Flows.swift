import CampaignDomain
import Contracts
import EventLog
import GRDB
import Service

/// Runs of flows.
extension CampaignReads {
    func activeflows(_ request: Request, _ page: PageRequest, _ db: Database) throws -> JSONValue {
        let query = ListQuery(params: request.params)
        var filter = ListFilter()
        filter.require("status", is: try query.word("status", Activeflow.Status.allCases.map(\.rawValue)))
        let table = CampaignTables.activeflows
        guard let campaign = try query.id("campaign_id") else {
            return try Page(of: table, where: "customer_id = ?", [request.customerID], filter: filter, page, in: db)
                .json(\.resource)
        }
        // The plus keeps the index on customers out: the one on campaigns is to be walked.
        filter.require("+customer_id", is: request.customerID)
        return try Page(of: table, where: "campaign_id = ?", [campaign], filter: filter, page, in: db)
            .json(\.resource)
    }
}
