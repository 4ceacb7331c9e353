package import Contracts

extension Outdial {
    package var json: JSONValue {
        [
            "id": .id(id), "customer_id": .id(customer), "name": .string(name), "detail": .string(detail),
            "data": .string(data), "assigned_campaign_id": .id(assignedCampaign),
            "claim": claim.map { ["campaign_id": .id($0.campaign), "run": .integer($0.run)] } ?? .null,
            "plan": plan?.json ?? .null, "wishing": .bool(isWishing), "exhausted": .bool(isExhausted),
            "tm_create": .time(createdAt), "tm_update": .optional(updatedAt), "tm_delete": .optional(deletedAt),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        var claim: Claim?
        if !json["claim"].isNull {
            claim = Claim(
                campaign: try json["claim"].requireID("campaign_id"),
                run: try json["claim"].requireInteger("run")
            )
        }
        self.init(
            id: try json.requireID("id"),
            customer: try json.requireID("customer_id"),
            name: try json.requireString("name"),
            detail: try json.requireString("detail"),
            data: try json.requireString("data"),
            assignedCampaign: try json.requireID("assigned_campaign_id"),
            claim: claim,
            plan: json["plan"].isNull ? nil : try DialPlan(json: json["plan"]),
            isWishing: try json.requireBool("wishing"),
            isExhausted: try json.requireBool("exhausted"),
            createdAt: try json.requireTime("tm_create"),
            updatedAt: json.optionalTime("tm_update"),
            deletedAt: json.optionalTime("tm_delete")
        )
    }

    /// The public object, times as microseconds.
    package var resource: JSONValue {
        [
            "id": .id(id), "customer_id": .id(customer), "campaign_id": .id(claim?.campaign ?? assignedCampaign),
            "name": .string(name), "detail": .string(detail), "data": .string(data), "tm_create": .time(createdAt),
            "tm_update": .optional(updatedAt), "tm_delete": .optional(deletedAt),
        ]
    }
}

extension OutdialEvent {
    package var type: String {
        switch self {
        case .created: "outdial_created"
        case .updated: "outdial_updated"
        case .campaignAssigned: "outdial_campaign_assigned"
        case .deleted: "outdial_deleted"
        case .claimed: "outdial_claimed"
        case .planChanged: "outdial_plan_changed"
        case .released: "outdial_released"
        case .wished: "outdial_wished"
        case .ready: "outdial_ready"
        case .exhausted: "outdial_exhausted"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let id, let customer, let name, let detail, let data, let campaign):
            [
                "id": .id(id), "customer_id": .id(customer), "name": .string(name), "detail": .string(detail),
                "data": .string(data), "campaign_id": .id(campaign),
            ]
        case .updated(let name, let detail, let data):
            ["name": .optional(name), "detail": .optional(detail), "data": .optional(data)]
        case .campaignAssigned(let campaign): ["campaign_id": .id(campaign)]
        case .deleted: [:]
        case .claimed(let campaign, let run, let plan):
            ["campaign_id": .id(campaign), "run": .integer(run), "plan": plan.json]
        case .planChanged(let plan): ["plan": plan.json]
        case .released(let campaign, let run), .wished(let campaign, let run), .ready(let campaign, let run),
            .exhausted(let campaign, let run):
            ["campaign_id": .id(campaign), "run": .integer(run)]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "outdial_created":
            self = .created(
                id: try json.requireID("id"),
                customer: try json.requireID("customer_id"),
                name: try json.requireString("name"),
                detail: try json.requireString("detail"),
                data: try json.requireString("data"),
                campaign: try json.requireID("campaign_id")
            )
        case "outdial_updated":
            self = .updated(name: json["name"].string, detail: json["detail"].string, data: json["data"].string)
        case "outdial_campaign_assigned": self = .campaignAssigned(campaign: try json.requireID("campaign_id"))
        case "outdial_deleted": self = .deleted
        case "outdial_plan_changed": self = .planChanged(plan: try DialPlan(json: json["plan"]))
        default: self = try OutdialEvent(claim: type, json: json)
        }
    }

    private init(claim type: String, json: JSONValue) throws(JSONError) {
        let campaign = try json.requireID("campaign_id")
        let run = try json.requireInteger("run")
        switch type {
        case "outdial_claimed": self = .claimed(campaign: campaign, run: run, plan: try DialPlan(json: json["plan"]))
        case "outdial_released": self = .released(campaign: campaign, run: run)
        case "outdial_wished": self = .wished(campaign: campaign, run: run)
        case "outdial_ready": self = .ready(campaign: campaign, run: run)
        case "outdial_exhausted": self = .exhausted(campaign: campaign, run: run)
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
