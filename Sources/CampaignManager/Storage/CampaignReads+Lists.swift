import CampaignDomain
import Contracts
import EventLog
import GRDB
import Service

/// Filtered lists.
extension CampaignReads {
    /// For lists that narrow by `name` alone.
    func nameFilter(_ request: Request) -> ListFilter {
        var filter = ListFilter()
        filter.require(name: ListQuery(params: request.params).text("name"))
        return filter
    }

    func campaignFilter(_ request: Request) throws(Refusal) -> ListFilter {
        let query = ListQuery(params: request.params)
        var filter = ListFilter()
        filter.require(name: query.text("name"), in: "json_extract(state, '$.settings.name')")
        let aliases = ["running": "run", "stopped": "stop"]
        filter.require("status", is: try query.word("status", ["stop", "run", "stopping"], aliases: aliases))
        return filter
    }

    // MARK: - Campaigncalls

    func calls(_ request: Request, _ page: PageRequest, _ db: Database) throws -> JSONValue {
        let query = ListQuery(params: request.params)
        var filter = try callFilter(query, request)
        // Of one campaign, the rows of that one only are looked at.
        guard let campaign = try request.params["campaign_id"].id ?? query.id("campaign_id") else {
            // Test calls are calls, and no campaigncalls.
            filter.require("campaign_id <> ?", [ID.none])
            return try list("customer_id = ?", request.customerID, filter, page, db)
        }
        if request.params["campaign_id"].id != nil {
            guard try CampaignTables.campaigns.load(campaign, in: db)?.state.customer == request.customerID else {
                throw Refusal.notFound("CAMPAIGN_NOT_FOUND", "there is no campaign \(campaign)")
            }
            filter.require("campaign_id", is: try query.id("campaign_id"))
        } else {
            // The plus keeps the index on customers out: the one on campaigns is to be walked.
            filter.require("+customer_id", is: request.customerID)
        }
        return try list("campaign_id = ?", campaign, filter, page, db)
    }

    private func list(
        _ list: String,
        _ owner: ID,
        _ filter: ListFilter,
        _ page: PageRequest,
        _ db: Database
    ) throws -> JSONValue {
        try Page(of: CampaignTables.calls, where: list, [owner], filter: filter, page, in: db).json(\.resource)
    }

    private func callFilter(_ query: ListQuery, _ request: Request) throws(Refusal) -> ListFilter {
        var filter = ListFilter()
        switch try query.word("status", ["dialing", "progressing", "done"]) {
        case "progressing": filter.require("bucket", is: CallBucket.answered.rawValue)
        case "dialing": filter.require("bucket", is: CallBucket.dialing.rawValue)
        case .some: filter.require("bucket IN ('done', 'not_dialed')")
        case nil: break
        }
        filter.require("outdial_id", is: try query.id("outdial_id"))
        filter.require("result", is: try query.word("result", ["success", "fail"]))
        let reasons = HangupReason.allCases.map(\.rawValue)
        let aliases = ["noanswer": HangupReason.noAnswer.rawValue]
        let reason = try query.word("hangup_reason", reasons, aliases: aliases)
        filter.require("hangup_reason", is: reason)
        // Whoever asks for those that were never placed means to see them.
        if request.params["not_dialed"].bool != true, HangupReason(rawValue: reason ?? "")?.isNeverPlaced != true {
            filter.require("bucket <> 'not_dialed'")
        }
        filter.from = try query.time("from")
        filter.before = try query.time("to")
        return filter
    }

    /// The most targets that one request names.
    private static let mostTargets = 500

    /// The newest campaigncall that was placed for each of `target_ids` in a campaign, by the target's id.
    func lastCalls(_ request: Request, _ db: Database) throws -> JSONValue {
        let campaign = try request.params.requireID("campaign_id")
        guard try CampaignTables.campaigns.load(campaign, in: db)?.state.customer == request.customerID else {
            throw Refusal.notFound("CAMPAIGN_NOT_FOUND", "there is no campaign \(campaign)")
        }
        let targets = try request.params.requireArray("target_ids").compactMap(\.id)
        guard targets.count <= CampaignReads.mostTargets else {
            throw Refusal.invalid("target_ids", "must not be more than \(CampaignReads.mostTargets)")
        }
        var answer = JSONObject()
        for target in targets {
            let call = try CampaignTables.calls.fetch(
                """
                INDEXED BY campaigncall_target WHERE target_id = ? AND campaign_id = ? AND bucket <> 'not_dialed'
                ORDER BY created_at DESC, rowid DESC LIMIT 1
                """,
                [target, campaign],
                in: db
            ).first?.state
            guard let call else { continue }
            answer[target.description] = [
                "id": .id(call.assignment.id), "destination": call.assignment.destination.json,
                "hangup_reason": .string(call.hangupReason), "result": .string(call.result),
                "tm_create": .time(call.createdAt), "tm_progressing": .optional(call.answeredAt),
                "tm_hangup": .optional(call.endedAt),
            ]
        }
        return .object(answer)
    }
}
