package import Contracts

extension Agent {
    /// The stored form. What came with later versions is left out where it is what an absent member means, so that
    /// rows of earlier ones stay as they are: equal states have equal bytes.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .id(id), "customer_id": .id(customer), "username": .string(username),
            "password_hash": .string(passwordHash), "name": .string(details.name),
            "permission": .integer(permission.rawValue), "tm_create": .time(createdAt),
        ]
        if !details.detail.isEmpty { object.append("detail", .string(details.detail)) }
        if details.ringMethod != .ringall { object.append("ring_method", .string(details.ringMethod.rawValue)) }
        if status != .available { object.append("status", .string(status.rawValue)) }
        if !details.tags.isEmpty { object.append("tag_ids", .array(details.tags.map { .id($0) })) }
        if !details.addresses.isEmpty { object.append("addresses", .array(details.addresses.map(\.json))) }
        if !directHash.isEmpty { object.append("direct_hash", .string(directHash)) }
        if session != 0 { object.append("session", .integer(session)) }
        duty.append(to: &object, impliedSince: status == .available ? createdAt : nil)
        if let updatedAt { object.append("tm_update", .time(updatedAt)) }
        if let deletedAt { object.append("tm_delete", .time(deletedAt)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        id = try json.requireID("id")
        customer = try json.requireID("customer_id")
        username = try json.requireString("username")
        passwordHash = try json.requireString("password_hash")
        details = try Details(json: json)
        status = try Status(stored: json["status"])
        duty = Duty(json: json)
        permission = Permission(rawValue: try json.requireInteger("permission"))
        directHash = json["direct_hash"].string ?? ""
        session = json["session"].integer ?? 0
        createdAt = try json.requireTime("tm_create")
        if status == .available, duty.availableSince == nil { duty.availableSince = createdAt }
        updatedAt = json.optionalTime("tm_update")
        deletedAt = json.optionalTime("tm_delete")
    }

    /// The public object, without the password, times as microseconds.
    package var resource: JSONValue {
        [
            "id": .id(id), "customer_id": .id(customer), "username": .string(username),
            "name": .string(details.name), "detail": .string(details.detail),
            "ring_method": .string(details.ringMethod.rawValue), "status": .string(status.rawValue),
            "permission": .integer(permission.rawValue), "tag_ids": .array(details.tags.map { .id($0) }),
            "addresses": .array(details.addresses.map(\.json)), "direct_hash": .string(directHash),
            "queuecall_id": .id(duty.queuecall), "next_status": .string(duty.wish?.rawValue ?? ""),
            "wrap_up_until": .optional(duty.wrapUpUntil), "tm_create": .time(createdAt),
            "tm_update": .optional(updatedAt), "tm_delete": .optional(deletedAt),
        ]
    }
}

extension Agent.Status {
    /// Absent is what agents of earlier versions were: available.
    fileprivate init(stored json: JSONValue) throws(JSONError) {
        guard !json.isNull else {
            self = .available
            return
        }
        guard let status = json.string.flatMap(Agent.Status.init(rawValue:)) else {
            throw JSONError("status is not known to this version")
        }
        self = status
    }
}

extension Agent.Details {
    fileprivate var members: JSONObject {
        [
            "name": .string(name), "detail": .string(detail), "ring_method": .string(ringMethod.rawValue),
            "tag_ids": .array(tags.map { .id($0) }), "addresses": .array(addresses.map(\.json)),
        ]
    }

    /// All but `name` may be absent.
    fileprivate init(json: JSONValue) throws(JSONError) {
        name = try json.requireString("name")
        detail = json["detail"].string ?? ""
        if !json["ring_method"].isNull {
            guard let method = Agent.RingMethod(rawValue: try json.requireString("ring_method")) else {
                throw JSONError("ring_method is not known to this version")
            }
            ringMethod = method
        }
        tags = (json["tag_ids"].array ?? []).compactMap(\.id)
        for stored in json["addresses"].array ?? [] {
            guard let address = try Address.stored(stored) else { throw JSONError("addresses must not hold null") }
            addresses.append(address)
        }
    }
}

extension AgentEvent {
    package var type: String {
        switch self {
        case .created: "agent_created"
        case .updated: "agent_updated"
        case .statusUpdated: "agent_status_updated"
        case .permissionChanged: "agent_permission_changed"
        case .passwordChanged: "agent_password_changed"
        case .rung: "agent_rung"
        case .connected: "agent_connected"
        case .released: "agent_released"
        case .wrappedUp: "agent_wrapped_up"
        case .wished: "agent_wished"
        case .deleted: "agent_deleted"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let new):
            var object: JSONObject = [
                "id": .id(new.id), "customer_id": .id(new.customer), "username": .string(new.username),
                "password_hash": .string(new.passwordHash),
            ]
            for member in new.details.members.members { object.append(member.name, member.value) }
            object.append("status", .string(new.status.rawValue))
            object.append("permission", .integer(new.permission.rawValue))
            return .object(object)
        case .updated(let details): return .object(details.members)
        case .statusUpdated(let status): return ["status": .string(status.rawValue)]
        case .permissionChanged(let permission): return ["permission": .integer(permission.rawValue)]
        case .passwordChanged(let hash): return ["password_hash": .string(hash)]
        case .rung(let queuecall, let leg): return ["queuecall_id": .id(queuecall), "leg_id": .id(leg)]
        case .connected(let queuecall): return ["queuecall_id": .id(queuecall)]
        case .released(let queuecall, let missed, let until):
            return ["queuecall_id": .id(queuecall), "missed": .bool(missed), "wrap_up_until": .optional(until)]
        case .wished(let status): return ["status": .optional(status?.rawValue)]
        case .wrappedUp, .deleted: return [:]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "agent_created":
            self = .created(
                New(
                    id: try json.requireID("id"),
                    customer: try json.requireID("customer_id"),
                    username: try json.requireString("username"),
                    passwordHash: try json.requireString("password_hash"),
                    details: try Agent.Details(json: json),
                    status: try Agent.Status(stored: json["status"]),
                    permission: Permission(rawValue: try json.requireInteger("permission"))
                )
            )
        case "agent_updated": self = .updated(try Agent.Details(json: json))
        case "agent_status_updated": self = .statusUpdated(try Agent.Status(stored: json["status"]))
        case "agent_permission_changed":
            self = .permissionChanged(Permission(rawValue: try json.requireInteger("permission")))
        case "agent_password_changed": self = .passwordChanged(passwordHash: try json.requireString("password_hash"))
        case "agent_rung":
            self = .rung(queuecall: try json.requireID("queuecall_id"), leg: try json.requireID("leg_id"))
        case "agent_connected": self = .connected(queuecall: try json.requireID("queuecall_id"))
        case "agent_released":
            self = .released(
                queuecall: try json.requireID("queuecall_id"),
                missed: try json.requireBool("missed"),
                wrapUpUntil: json.optionalTime("wrap_up_until")
            )
        case "agent_wrapped_up": self = .wrappedUp
        case "agent_wished": self = .wished(json["status"].string.flatMap(Agent.Status.init(rawValue:)))
        case "agent_deleted": self = .deleted
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
