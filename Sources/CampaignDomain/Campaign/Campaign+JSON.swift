package import Contracts

extension Campaign {
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .id(id), "customer_id": .id(customer), "settings": settings.json, "status": .string(status.rawValue),
            "run": .integer(run), "end_reason": .string(endReason.rawValue), "tm_end": .optional(endedAt),
            "tm_create": .time(createdAt), "tm_update": .optional(updatedAt), "tm_delete": .optional(deletedAt),
        ]
        if let startedAt { object.append("tm_start", .time(startedAt)) }
        if let stoppingSince { object.append("tm_stopping", .time(stoppingSince)) }
        if isPaused { object.append("paused", true) }
        if let succession { object.append("succession", succession.json) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let status = Status(rawValue: try json.requireString("status")),
            let endReason = EndReason(rawValue: try json.requireString("end_reason"))
        else { throw JSONError("status or end_reason is unknown") }
        self.init(
            id: try json.requireID("id"),
            customer: try json.requireID("customer_id"),
            settings: try CampaignSettings(json: json["settings"]),
            status: status,
            run: try json.requireInteger("run"),
            endReason: endReason,
            endedAt: json.optionalTime("tm_end"),
            createdAt: try json.requireTime("tm_create"),
            updatedAt: json.optionalTime("tm_update"),
            deletedAt: json.optionalTime("tm_delete"),
            startedAt: json.optionalTime("tm_start"),
            stoppingSince: json.optionalTime("tm_stopping"),
            isPaused: json["paused"].bool ?? false,
            succession: json["succession"].isNull ? nil : try Succession(json: json["succession"])
        )
    }

    /// The public object, times as microseconds.
    package var resource: JSONValue {
        var object: JSONObject = ["id": .id(id), "customer_id": .id(customer)]
        for member in settings.json.object?.members ?? [] {
            // An absent drain limit means "no limit" and stays absent.
            if member.name == "stop_drain_timeout", member.value.isNull { continue }
            object.append(member.name, member.value)
        }
        object.append("status", .string(status.rawValue))
        object.append("end_reason", .string(endReason.rawValue))
        object.append("paused", .bool(isPaused))
        object.append("next_campaign_result", .string(succession?.result.rawValue ?? ""))
        object.append("next_campaign_reason", .string(succession?.reason ?? ""))
        object.append("tm_end", .optional(endedAt))
        object.append("tm_create", .time(createdAt))
        object.append("tm_update", .optional(updatedAt))
        object.append("tm_delete", .optional(deletedAt))
        return .object(object)
    }
}

extension CampaignEvent {
    package var type: String {
        switch self {
        case .created: "campaign_created"
        case .updated: "campaign_updated"
        case .started: "campaign_started"
        case .stopping: "campaign_stopping"
        case .stopped: "campaign_stopped"
        case .leaseReturned: "campaign_lease_returned"
        case .claimDropped: "campaign_claim_dropped"
        case .planChanged: "campaign_plan_changed"
        case .deleted: "campaign_deleted"
        case .paused: "campaign_paused"
        case .unpaused: "campaign_unpaused"
        case .nextDue: "campaign_next_due"
        case .nextStarted: "campaign_next_started"
        case .nextSkipped: "campaign_next_skipped"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let id, let customer, let settings):
            ["id": .id(id), "customer_id": .id(customer), "settings": settings.json]
        case .updated(let changes): ["changes": changes]
        case .started(let run): ["run": .integer(run)]
        case .stopping(let run, let reason, let journals):
            [
                "run": .integer(run), "reason": .string(reason.rawValue),
                "journals": .array(journals.map { .id($0) }),
            ]
        case .stopped(let run, let reason, let outdial):
            ["run": .integer(run), "reason": .string(reason.rawValue), "outdial_id": .id(outdial)]
        case .leaseReturned(let run, let attempt, let target, let outdial, let outcome):
            [
                "run": .integer(run), "attempt_id": .id(attempt), "target_id": .id(target), "outdial_id": .id(outdial),
                "outcome": .string(outcome.rawValue),
            ]
        case .claimDropped(let run, let outdial): ["run": .integer(run), "outdial_id": .id(outdial)]
        case .planChanged(let run, let outdial, let plan):
            ["run": .integer(run), "outdial_id": .id(outdial), "plan": plan.json]
        case .deleted, .paused, .unpaused: [:]
        case .nextDue(let run, let next): ["run": .integer(run), "next_campaign_id": .id(next)]
        case .nextStarted(let run, let next, let nextRun):
            ["run": .integer(run), "next_campaign_id": .id(next), "next_run": .integer(nextRun)]
        case .nextSkipped(let run, let next, let reason, let message):
            [
                "run": .integer(run), "next_campaign_id": .id(next), "reason": .string(reason),
                "message": .string(message),
            ]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "campaign_created":
            self = .created(
                id: try json.requireID("id"),
                customer: try json.requireID("customer_id"),
                settings: try CampaignSettings(json: json["settings"])
            )
        case "campaign_updated": self = .updated(changes: json["changes"])
        case "campaign_started": self = .started(run: try json.requireInteger("run"))
        case "campaign_stopping":
            self = .stopping(
                run: try json.requireInteger("run"),
                reason: try CampaignEvent.reason(json),
                journals: try json.requireArray("journals").compactMap(\.id)
            )
        case "campaign_stopped":
            self = .stopped(
                run: try json.requireInteger("run"),
                reason: try CampaignEvent.reason(json),
                outdial: try json.requireID("outdial_id")
            )
        case "campaign_lease_returned":
            self = .leaseReturned(
                run: try json.requireInteger("run"),
                attempt: try json.requireID("attempt_id"),
                target: try json.requireID("target_id"),
                outdial: try json.requireID("outdial_id"),
                outcome: AttemptFinished.Outcome(rawValue: try json.requireString("outcome")) ?? .cancelled
            )
        case "campaign_claim_dropped":
            self = .claimDropped(run: try json.requireInteger("run"), outdial: try json.requireID("outdial_id"))
        case "campaign_plan_changed":
            self = .planChanged(
                run: try json.requireInteger("run"),
                outdial: try json.requireID("outdial_id"),
                plan: try DialPlan(json: json["plan"])
            )
        case "campaign_deleted": self = .deleted
        case "campaign_paused": self = .paused
        case "campaign_unpaused": self = .unpaused
        case "campaign_next_due", "campaign_next_started", "campaign_next_skipped":
            try self.init(succession: type, json)
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }

    private init(succession type: String, _ json: JSONValue) throws(JSONError) {
        let (run, next) = (try json.requireInteger("run"), try json.requireID("next_campaign_id"))
        switch type {
        case "campaign_next_due": self = .nextDue(run: run, next: next)
        case "campaign_next_started":
            self = .nextStarted(run: run, next: next, nextRun: try json.requireInteger("next_run"))
        default:
            self = .nextSkipped(
                run: run,
                next: next,
                reason: try json.requireString("reason"),
                message: try json.requireString("message")
            )
        }
    }

    private static func reason(_ json: JSONValue) throws(JSONError) -> Campaign.EndReason {
        guard let reason = Campaign.EndReason(rawValue: try json.requireString("reason")) else {
            throw JSONError("reason is unknown")
        }
        return reason
    }
}
