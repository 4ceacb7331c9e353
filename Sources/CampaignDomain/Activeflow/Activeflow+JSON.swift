package import Contracts

extension Activeflow {
    /// The stored form.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .id(id), "customer_id": .id(customer), "campaign_id": .id(campaign), "attempt_id": .id(attempt),
            "flow_id": .id(flow), "call_id": .id(call), "journal": .id(journal), "status": .string(status.rawValue),
            "current": current?.json ?? .null, "executed": .array(executed.map(\.json)),
            "sequence": .integer(sequence), "tm_create": .time(createdAt), "tm_update": .optional(updatedAt),
            "tm_end": .optional(endedAt),
        ]
        if !parts.isEmpty {
            object.append("parts", .array(parts.map { [.integer($0.sequence), .integer(Int64($0.count))] }))
        }
        if let stopRequestedAt { object.append("tm_stop_request", .time(stopRequestedAt)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let status = Status(rawValue: try json.requireString("status")) else {
            throw JSONError("status is unknown")
        }
        self.init(
            id: try json.requireID("id"),
            customer: try json.requireID("customer_id"),
            campaign: try json.requireID("campaign_id"),
            attempt: try json.requireID("attempt_id"),
            flow: try json.requireID("flow_id"),
            call: try json.requireID("call_id"),
            journal: try json.requireID("journal"),
            status: status,
            current: json["current"].isNull ? nil : try ExecutedAction(json: json["current"]),
            executed: try ExecutedAction.list(json["executed"]),
            parts: (json["parts"].array ?? []).compactMap { part in
                guard let pair = part.array, pair.count == 2, let sequence = pair[0].integer,
                    let count = pair[1].integer
                else { return nil }
                return Part(sequence: sequence, count: Int(count))
            },
            sequence: try json.requireInteger("sequence"),
            createdAt: try json.requireTime("tm_create"),
            updatedAt: json.optionalTime("tm_update"),
            endedAt: json.optionalTime("tm_end"),
            stopRequestedAt: json.optionalTime("tm_stop_request")
        )
    }

    /// The public object, times as microseconds.
    package var resource: JSONValue {
        [
            "id": .id(id), "customer_id": .id(customer), "flow_id": .id(flow), "status": .string(status.rawValue),
            "reference_type": call.isNone ? "campaign" : "call", "reference_id": .id(call.isNone ? attempt : call),
            "reference_activeflow_id": .id(.none), "on_complete_flow_id": .id(.none), "campaign_id": .id(campaign),
            "campaigncall_id": .id(attempt), "current_action": current?.resource ?? [:],
            "forward_action_id": .id(.none), "executed_actions": .array(executed.map(\.resource)),
            "tm_end": .optional(endedAt), "tm_create": .time(createdAt), "tm_update": .optional(updatedAt),
            "tm_delete": .null,
        ]
    }
}

extension ExecutedAction {
    static func list(_ json: JSONValue) throws(JSONError) -> [ExecutedAction] {
        var actions: [ExecutedAction] = []
        for action in json.array ?? [] { actions.append(try ExecutedAction(json: action)) }
        return actions
    }

    fileprivate var resource: JSONValue {
        ["id": .id(id), "type": .string(type), "result": .string(result ?? ""), "tm_execute": .time(at)]
    }
}

extension Activeflow.Progress {
    fileprivate var json: JSONValue {
        [
            "current": current?.json ?? .null, "executed": .array(executed.map(\.json)), "sequence": .integer(sequence),
            "at": .time(at),
        ]
    }

    fileprivate init(json: JSONValue) throws(JSONError) {
        self.init(
            current: json["current"].isNull ? nil : try ExecutedAction(json: json["current"]),
            executed: try ExecutedAction.list(json["executed"]),
            sequence: try json.requireInteger("sequence"),
            at: try json.requireTime("at")
        )
    }
}

extension ActiveflowEvent {
    package var type: String {
        switch self {
        case .created: "activeflow_created"
        case .updated: "activeflow_updated"
        case .ended: "activeflow_ended"
        case .stopRequested: "activeflow_stop_requested"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let beginning):
            [
                "id": .id(beginning.id), "customer_id": .id(beginning.customer),
                "campaign_id": .id(beginning.campaign), "attempt_id": .id(beginning.attempt),
                "flow_id": .id(beginning.flow), "call_id": .id(beginning.call), "journal": .id(beginning.journal),
                "at": .time(beginning.at),
            ]
        case .updated(let progress), .ended(let progress): progress.json
        case .stopRequested(let attempt, let journal): ["attempt_id": .id(attempt), "journal": .id(journal)]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "activeflow_created":
            self = .created(
                Activeflow.Beginning(
                    id: try json.requireID("id"),
                    customer: try json.requireID("customer_id"),
                    campaign: try json.requireID("campaign_id"),
                    attempt: try json.requireID("attempt_id"),
                    flow: try json.requireID("flow_id"),
                    call: try json.requireID("call_id"),
                    journal: try json.requireID("journal"),
                    at: try json.requireTime("at")
                )
            )
        case "activeflow_updated": self = .updated(try Activeflow.Progress(json: json))
        case "activeflow_ended": self = .ended(try Activeflow.Progress(json: json))
        case "activeflow_stop_requested":
            self = .stopRequested(attempt: try json.requireID("attempt_id"), journal: try json.requireID("journal"))
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
