package import Contracts

extension Queuecall {
    /// The stored form.
    package var json: JSONValue {
        var object: JSONObject = ["new": new.json, "status": .string(status.rawValue)]
        if !legs.isEmpty { object.append("legs", .array(legs.map(\.json))) }
        if !misses.isEmpty { object.append("misses", .array(misses.map(\.json))) }
        if vain > 0 { object.append("vain", .integer(vain)) }
        if late > 0 { object.append("late", .integer(late)) }
        if let heldUntil { object.append("held_until", .time(heldUntil)) }
        if rings > 0 { object.append("rings", .integer(rings)) }
        if !serviceAgent.isNone {
            object.append("service_agent_id", .id(serviceAgent))
            object.append("service_leg_id", .id(serviceLeg))
            object.append("agent_idle", .integer(agentIdle.count))
            object.append("ringing", .integer(ringing.count))
        }
        if wrapUp > 0 { object.append("wrap_up", .integer(wrapUp.count)) }
        if endReason != .none { object.append("end_reason", .string(endReason.rawValue)) }
        if let serviceAt { object.append("tm_service", .time(serviceAt)) }
        if let endedAt { object.append("tm_end", .time(endedAt)) }
        if let updatedAt { object.append("tm_update", .time(updatedAt)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let status = Status(rawValue: try json.requireString("status")) else {
            throw JSONError("status is not known to this version")
        }
        self.init(new: try New(json: json["new"]), status: status)
        for leg in json["legs"].array ?? [] { legs.append(try Leg(json: leg)) }
        for miss in json["misses"].array ?? [] { misses.append(try Miss(json: miss)) }
        vain = json["vain"].integer ?? 0
        late = json["late"].integer ?? 0
        heldUntil = json.optionalTime("held_until")
        rings = json["rings"].integer ?? 0
        serviceAgent = json["service_agent_id"].id ?? .none
        serviceLeg = json["service_leg_id"].id ?? .none
        agentIdle = Milliseconds(json["agent_idle"].integer ?? 0)
        ringing = Milliseconds(json["ringing"].integer ?? 0)
        wrapUp = Milliseconds(json["wrap_up"].integer ?? 0)
        endReason = EndReason(rawValue: json["end_reason"].string ?? "") ?? .none
        serviceAt = json.optionalTime("tm_service")
        endedAt = json.optionalTime("tm_end")
        updatedAt = json.optionalTime("tm_update")
    }

    /// The public object, times as microseconds, lengths of time in milliseconds.
    package var resource: JSONValue {
        [
            "id": .id(id), "customer_id": .id(new.customer), "queue_id": .id(new.queue), "reference_type": "call",
            "reference_id": .id(new.call), "campaign_id": .id(new.campaign), "campaigncall_id": .id(new.attempt),
            "activeflow_id": .id(new.activeflow),
            "source": (new.source ?? Address(type: "", target: "")).json, "destination": new.destination.json,
            "status": .string(status.rawValue), "service_agent_id": .id(serviceAgent),
            "end_reason": .string(endReason.rawValue), "duration_waiting": .integer(waitingTime.count),
            "duration_service": .integer(serviceTime.count), "tm_create": .time(new.createdAt),
            "tm_service": .optional(serviceAt), "tm_end": .optional(endedAt), "tm_update": .optional(updatedAt),
            "tm_delete": .null,
        ]
    }
}

extension Queuecall.New {
    fileprivate var json: JSONValue {
        [
            "id": .id(id), "customer_id": .id(customer), "queue_id": .id(queue), "campaign_id": .id(campaign),
            "attempt_id": .id(attempt), "call_id": .id(call), "activeflow_id": .id(activeflow),
            "journal": .id(journal), "source": Address.optional(source), "destination": destination.json,
            "tm_join": .time(joinedAt), "wait_until": .optional(waitUntil), "tm_create": .time(createdAt),
        ]
    }

    fileprivate init(json: JSONValue) throws(JSONError) {
        guard let destination = try Address.stored(json["destination"]) else {
            throw JSONError("destination is missing")
        }
        self.init(
            id: try json.requireID("id"),
            customer: try json.requireID("customer_id"),
            queue: try json.requireID("queue_id"),
            campaign: try json.requireID("campaign_id"),
            attempt: try json.requireID("attempt_id"),
            call: try json.requireID("call_id"),
            activeflow: try json.requireID("activeflow_id"),
            journal: try json.requireID("journal"),
            source: try Address.stored(json["source"]),
            destination: destination,
            joinedAt: try json.requireTime("tm_join"),
            waitUntil: json.optionalTime("wait_until"),
            createdAt: try json.requireTime("tm_create")
        )
    }
}

extension Queuecall.Leg {
    fileprivate var json: JSONValue {
        [
            "leg_id": .id(id), "agent_id": .id(agent), "tm_rung": .time(rungAt), "deadline": .time(deadline),
            "idle": .integer(idle.count),
        ]
    }

    fileprivate init(json: JSONValue) throws(JSONError) {
        self.init(
            id: try json.requireID("leg_id"),
            agent: try json.requireID("agent_id"),
            rungAt: try json.requireTime("tm_rung"),
            deadline: try json.requireTime("deadline"),
            idle: Milliseconds(try json.requireInteger("idle"))
        )
    }
}

extension Queuecall.Miss {
    fileprivate var json: JSONValue { ["agent_id": .id(agent), "leg_id": .id(leg), "at": .time(at)] }

    fileprivate init(json: JSONValue) throws(JSONError) {
        self.init(
            agent: try json.requireID("agent_id"),
            leg: try json.requireID("leg_id"),
            at: try json.requireTime("at")
        )
    }
}

extension QueuecallEvent.Ringing {
    fileprivate var json: JSONValue {
        var object: JSONObject = [
            "attempt_id": .id(attempt), "journal": .id(journal), "ring_timeout": .integer(ringTimeout.count),
            "service_timeout": .integer(serviceTimeout.count),
            "legs": .array(
                legs.map { leg in
                    [
                        "leg_id": .id(leg.id), "agent_id": .id(leg.agent),
                        "addresses": .array(leg.addresses.map(\.json)), "idle": .integer(leg.idle.count),
                    ]
                }
            ),
        ]
        if isLateAllowed { object.append("late_allowed", true) }
        return .object(object)
    }

    fileprivate init(json: JSONValue) throws(JSONError) {
        var legs: [Leg] = []
        for leg in try json.requireArray("legs") {
            var addresses: [Address] = []
            for address in try leg.requireArray("addresses") {
                if let address = try Address.stored(address) { addresses.append(address) }
            }
            legs.append(
                Leg(
                    id: try leg.requireID("leg_id"),
                    agent: try leg.requireID("agent_id"),
                    addresses: addresses,
                    idle: Milliseconds(try leg.requireInteger("idle"))
                )
            )
        }
        self.init(
            attempt: try json.requireID("attempt_id"),
            journal: try json.requireID("journal"),
            ringTimeout: Milliseconds(try json.requireInteger("ring_timeout")),
            serviceTimeout: Milliseconds(try json.requireInteger("service_timeout")),
            legs: legs,
            isLateAllowed: json["late_allowed"].bool ?? false
        )
    }
}

extension QueuecallEvent {
    package var type: String {
        switch self {
        case .created: "queuecall_created"
        case .waiting: "queuecall_waiting"
        case .connecting: "queuecall_connecting"
        case .legEnded: "queuecall_leg_ended"
        case .serviced: "queuecall_serviced"
        case .legRefused: "queuecall_leg_refused"
        case .done: "queuecall_done"
        case .abandoned: "queuecall_abandoned"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let new): new.json
        case .waiting: [:]
        case .connecting(let ringing): ringing.json
        case .legEnded(let leg, let agent, let result):
            ["leg_id": .id(leg), "agent_id": .id(agent), "result": .string(result)]
        case .serviced(let leg, let agent, let moment):
            ["leg_id": .id(leg), "agent_id": .id(agent), "at": .time(moment)]
        case .legRefused(let leg, let agent, let attempt, let journal):
            ["leg_id": .id(leg), "agent_id": .id(agent), "attempt_id": .id(attempt), "journal": .id(journal)]
        case .done(let reason, let moment, let wrapUp):
            ["reason": .string(reason.rawValue), "at": .time(moment), "wrap_up": .integer(wrapUp.count)]
        case .abandoned(let reason, let moment, let attempt, let journal):
            [
                "reason": .string(reason.rawValue), "at": .time(moment), "attempt_id": .id(attempt),
                "journal": .optional(journal),
            ]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        func reason() throws(JSONError) -> Queuecall.EndReason {
            guard let reason = Queuecall.EndReason(rawValue: try json.requireString("reason")) else {
                throw JSONError("reason is not known to this version")
            }
            return reason
        }
        switch type {
        case "queuecall_created": self = .created(try Queuecall.New(json: json))
        case "queuecall_waiting": self = .waiting
        case "queuecall_connecting": self = .connecting(try Ringing(json: json))
        case "queuecall_leg_ended":
            self = .legEnded(
                leg: try json.requireID("leg_id"),
                agent: try json.requireID("agent_id"),
                result: try json.requireString("result")
            )
        case "queuecall_serviced":
            self = .serviced(
                leg: try json.requireID("leg_id"),
                agent: try json.requireID("agent_id"),
                at: try json.requireTime("at")
            )
        case "queuecall_leg_refused":
            self = .legRefused(
                leg: try json.requireID("leg_id"),
                agent: try json.requireID("agent_id"),
                attempt: try json.requireID("attempt_id"),
                journal: try json.requireID("journal")
            )
        case "queuecall_done":
            self = .done(
                try reason(),
                at: try json.requireTime("at"),
                wrapUp: Milliseconds(try json.requireInteger("wrap_up"))
            )
        case "queuecall_abandoned":
            self = .abandoned(
                try reason(),
                at: try json.requireTime("at"),
                attempt: try json.requireID("attempt_id"),
                journal: json["journal"].id
            )
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
