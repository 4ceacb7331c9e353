package import Contracts

extension Target {
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .id(id), "outdial_id": .id(outdial), "customer_id": .id(customer), "name": .string(name),
            "detail": .string(detail), "data": .string(data), "priority": .integer(priority),
            "time_zone": .string(timeZone), "destinations": .array(destinations.map { Address.optional($0) }),
            "variables": Variable.json(variables), "status": .string(status.rawValue),
            "try_counts": .array(tryCounts.map { .integer($0) }), "lease": lease?.json ?? .null,
            "result": .string(result), "result_reason": .string(resultReason), "next_try_at": .optional(nextTryAt),
            "waiting_since": .time(waitingSince), "not_placed": .integer(notPlacedInRow),
            "tm_create": .time(createdAt), "tm_update": .time(updatedAt),
            "tm_delete": .optional(deletedAt),
        ]
        if earlierTries > 0 { object.append("earlier_tries", .integer(earlierTries)) }
        if let deferral { object.append("deferral", deferral.json) }
        if !pastCalls.isEmpty { object.append("past_calls", PastCall.json(pastCalls)) }
        if isOptedOut { object.append("opted_out", true) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let status = Status(rawValue: try json.requireString("status")) else {
            throw JSONError("status is unknown")
        }
        self.init(
            id: try json.requireID("id"),
            outdial: try json.requireID("outdial_id"),
            customer: try json.requireID("customer_id"),
            name: try json.requireString("name"),
            detail: try json.requireString("detail"),
            data: try json.requireString("data"),
            priority: try json.requireInt("priority"),
            timeZone: try json.requireString("time_zone"),
            destinations: try Target.destinations(of: json),
            variables: Variable.list(json["variables"]),
            status: status,
            tryCounts: try json.requireArray("try_counts").compactMap { $0.integer.map(Int.init) },
            earlierTries: json["earlier_tries"].integer.map(Int.init) ?? 0,
            lease: json["lease"].isNull ? nil : try Lease(json: json["lease"]),
            result: try json.requireString("result"),
            resultReason: try json.requireString("result_reason"),
            nextTryAt: json.optionalTime("next_try_at"),
            waitingSince: try json.requireTime("waiting_since"),
            notPlacedInRow: try json.requireInt("not_placed"),
            deferral: json["deferral"].isNull ? nil : try Deferral(json: json["deferral"]),
            pastCalls: PastCall.list(json["past_calls"]),
            isOptedOut: json["opted_out"].bool ?? false,
            createdAt: try json.requireTime("tm_create"),
            updatedAt: try json.requireTime("tm_update"),
            deletedAt: json.optionalTime("tm_delete")
        )
        guard tryCounts.count == Target.destinationCount else { throw JSONError("try_counts must be five") }
    }

    fileprivate static func destinations(of json: JSONValue) throws(JSONError) -> [Address?] {
        var destinations: [Address?] = []
        for address in try json.requireArray("destinations") { destinations.append(try Address.stored(address)) }
        guard destinations.count == destinationCount else { throw JSONError("destinations must be five") }
        return destinations
    }

    /// The public object, times as microseconds.
    package var resource: JSONValue {
        var object: JSONObject = [
            "id": .id(id), "outdial_id": .id(outdial), "name": .string(name), "detail": .string(detail),
            "data": .string(data), "status": .string(status.rawValue),
        ]
        for (index, destination) in destinations.enumerated() {
            object.append("destination_\(index)", Address.optional(destination))
        }
        for (index, count) in tryCounts.enumerated() { object.append("try_count_\(index)", .integer(count)) }
        object.append("priority", .integer(priority))
        object.append("time_zone", .string(timeZone))
        object.append("variables", Variable.json(variables))
        object.append("result", .string(result))
        object.append("result_reason", .string(resultReason))
        let wait = status == .idle ? deferral : nil
        object.append("next_try_at", .optional(status == .idle ? wait?.until ?? nextTryAt : nil))
        object.append("deferral_reason", .string(wait?.reason.rawValue ?? ""))
        object.append("tm_create", .time(createdAt))
        object.append("tm_update", .time(updatedAt))
        object.append("tm_delete", .optional(deletedAt))
        return .object(object)
    }
}

extension Target.Lease {
    package var json: JSONValue {
        var object: JSONObject = [
            "attempt_id": .id(attempt), "request_id": .id(request), "campaign_id": .id(campaign),
            "run": .integer(run), "destination_index": .integer(destinationIndex),
        ]
        if !checkedLists.isEmpty { object.append("dnc_lists", ListVersion.json(checkedLists)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            attempt: try json.requireID("attempt_id"),
            request: try json.requireID("request_id"),
            campaign: try json.requireID("campaign_id"),
            run: try json.requireInteger("run"),
            destinationIndex: try json.requireInt("destination_index"),
            checkedLists: ListVersion.list(json["dnc_lists"])
        )
        guard (0..<Target.destinationCount).contains(destinationIndex) else {
            throw JSONError("destination_index must be 0 to 4")
        }
    }
}

extension Target.Variable {
    static func json(_ variables: [Target.Variable]) -> JSONValue {
        var object = JSONObject()
        for variable in variables { object.append(variable.name, .string(variable.value)) }
        return .object(object)
    }

    static func list(_ json: JSONValue) -> [Target.Variable] {
        (json.object?.members ?? []).map { Target.Variable(name: $0.name, value: $0.value.string ?? "") }
    }
}

extension TargetEvent {
    package var type: String {
        switch self {
        case .created: "target_created"
        case .deleted: "target_deleted"
        case .leased: "target_leased"
        case .attemptFinished: "target_attempt_finished"
        case .closed: "target_closed"
        case .updated: "target_updated"
        case .rearmed: "target_rearmed"
        case .deferred: "target_deferred"
        case .resumed: "target_resumed"
        case .optedOut: "target_opted_out"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let draft, let id, let outdial, let customer, let moment):
            [
                "id": .id(id), "outdial_id": .id(outdial), "customer_id": .id(customer), "name": .string(draft.name),
                "detail": .string(draft.detail), "data": .string(draft.data), "priority": .integer(draft.priority),
                "time_zone": .string(draft.timeZone),
                "destinations": .array(draft.destinations.map { Address.optional($0) }),
                "variables": Target.Variable.json(draft.variables), "tm_create": .time(moment),
            ]
        case .deleted: [:]
        case .leased(let lease, let tryCount): ["lease": lease.json, "try_count": .integer(tryCount)]
        case .attemptFinished(let end):
            end.json
        case .closed(let reason): ["reason": .string(reason)]
        case .updated(let changes): changes.json
        case .rearmed, .resumed, .optedOut: [:]
        case .deferred(let deferral): deferral.json
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "target_created":
            let draft = TargetDraft(
                name: try json.requireString("name"),
                detail: try json.requireString("detail"),
                data: try json.requireString("data"),
                priority: try json.requireInt("priority"),
                timeZone: try json.requireString("time_zone"),
                destinations: try Target.destinations(of: json),
                variables: Target.Variable.list(json["variables"])
            )
            self = .created(
                draft,
                id: try json.requireID("id"),
                outdial: try json.requireID("outdial_id"),
                customer: try json.requireID("customer_id"),
                at: try json.requireTime("tm_create")
            )
        case "target_deleted": self = .deleted
        case "target_leased":
            self = .leased(try Target.Lease(json: json["lease"]), tryCount: try json.requireInt("try_count"))
        case "target_attempt_finished":
            guard let outcome = AttemptFinished.Outcome(rawValue: try json.requireString("outcome")) else {
                throw JSONError("outcome is unknown")
            }
            self = .attemptFinished(
                AttemptEnd(
                    attempt: try json.requireID("attempt_id"),
                    outcome: outcome,
                    result: try json.requireString("result"),
                    reason: try json.requireString("reason"),
                    endedAt: try json.requireTime("ended_at"),
                    isDone: try json.requireBool("done"),
                    nextTryAt: json.optionalTime("next_try_at"),
                    heldUntil: json.optionalTime("held_until")
                )
            )
        case "target_updated": self = .updated(try TargetChanges(json: json))
        case "target_rearmed": self = .rearmed
        case "target_deferred": self = .deferred(try Target.Deferral(json: json))
        case "target_resumed": self = .resumed
        case "target_opted_out": self = .optedOut
        case "target_closed": self = .closed(reason: try json.requireString("reason"))
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}

extension TargetEvent.AttemptEnd {
    fileprivate var json: JSONValue {
        var object: JSONObject = [
            "attempt_id": .id(attempt), "outcome": .string(outcome.rawValue), "result": .string(result),
            "reason": .string(reason), "ended_at": .time(endedAt), "done": .bool(isDone),
            "next_try_at": .optional(nextTryAt),
        ]
        if let heldUntil { object.append("held_until", .time(heldUntil)) }
        return .object(object)
    }
}
