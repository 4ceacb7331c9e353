package import Contracts

/// What a customer decides about a campaign.
package struct CampaignSettings: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case call, flow, message, email
    }

    /// What happens when no target is left.
    package enum EndHandle: String, Sendable, CaseIterable {
        case stop
        case `continue`
    }

    package var name = ""
    package var detail = ""
    package var kind = Kind.call
    package var serviceLevel: Int64 = 100
    package var endHandle = EndHandle.stop
    package var actions: [JSONValue] = []
    package var flow = ID.none
    /// Overrides the outplan's source.
    package var source: Address?
    /// The workers that may place its calls; "" is the outplan's, else the default route.
    package var route = ""
    package var outplan = ID.none
    package var outdial = ID.none
    package var queue = ID.none
    package var nextCampaign = ID.none
    /// The most calls at once; 0 is no limit of its own.
    package var maximumConcurrent: Int64 = 0
    /// The most new calls in a second; 0 is no limit of its own.
    package var callsPerSecond: Double = 0
    /// How long answered calls may go on after a stop; nil is for ever.
    package var stopDrainTimeout: Milliseconds?

    package init() {}
}

extension CampaignSettings {
    /// The fields that a request may set, by sub-resource.
    package enum Part: Sendable {
        case all, serviceLevel, actions, resourceInfo, nextCampaign

        fileprivate var fields: Set<String> {
            switch self {
            case .all: Set(CampaignSettings().json.object?.members.map(\.name) ?? [])
            case .serviceLevel: ["service_level"]
            case .actions: ["actions"]
            case .resourceInfo: ["outplan_id", "outdial_id", "queue_id", "next_campaign_id"]
            case .nextCampaign: ["next_campaign_id"]
            }
        }
    }

    /// These settings with the fields of `body` put in: absent is kept, a value is set. `own` is the campaign itself.
    package func merging(_ body: RequestBody, part: Part, own: ID) throws(Refusal) -> CampaignSettings {
        var merged = self
        let fields = part.fields
        func given(_ field: String) -> Bool { fields.contains(field) && body.has(field) }
        if given("name") { merged.name = try body.text("name") ?? "" }
        if given("detail") { merged.detail = try body.text("detail") ?? "" }
        if given("type") {
            merged.kind = try body.word("type", Kind.self, aliases: ["sms": .message, "": .call]) ?? .call
        }
        if given("service_level") {
            merged.serviceLevel = try body.integer("service_level", in: 0...1_000_000) ?? 100
        }
        if given("end_handle") {
            merged.endHandle = try body.word("end_handle", EndHandle.self, aliases: ["": .stop]) ?? .stop
        }
        if given("actions") { merged.actions = try ActionList.read(body.json["actions"]) }
        if given("source") { merged.source = try Address.read(body.json["source"], field: "source") }
        if given("route") { merged.route = try body.text("route") ?? "" }
        if given("max_concurrent") {
            merged.maximumConcurrent = try body.integer("max_concurrent", in: 0...1_000_000) ?? 0
        }
        if given("calls_per_second") {
            merged.callsPerSecond = try CampaignSettings.rate(body.json["calls_per_second"])
        }
        if given("stop_drain_timeout") {
            merged.stopDrainTimeout = try body.integer("stop_drain_timeout", in: 0...86_400_000).map {
                Milliseconds($0)
            }
        }
        try merged.mergeReferences(body, given: given)
        guard own.isNone || merged.nextCampaign != own else {
            throw .invalid("next_campaign_id", "must not be the campaign itself")
        }
        return merged
    }

    private mutating func mergeReferences(_ body: RequestBody, given: (String) -> Bool) throws(Refusal) {
        if given("outplan_id") { outplan = try body.id("outplan_id") ?? .none }
        if given("outdial_id") { outdial = try body.id("outdial_id") ?? .none }
        if given("next_campaign_id") { nextCampaign = try body.id("next_campaign_id") ?? .none }
        if given("queue_id") { queue = try body.id("queue_id") ?? .none }
        if given("flow_id") { flow = try body.id("flow_id") ?? .none }
    }

    private static func rate(_ json: JSONValue) throws(Refusal) -> Double {
        if json.isNull { return 0 }
        guard let rate = json.double, (0...100_000).contains(rate) else {
            throw .invalid("calls_per_second", "must be a number from 0 (no limit) to 100000")
        }
        return rate
    }
}

extension CampaignSettings {
    package var json: JSONValue {
        [
            "type": .string(kind.rawValue), "name": .string(name), "detail": .string(detail),
            "service_level": .integer(serviceLevel), "end_handle": .string(endHandle.rawValue),
            "actions": .array(actions), "flow_id": .id(flow), "source": Address.optional(source),
            "route": .string(route), "outplan_id": .id(outplan), "outdial_id": .id(outdial), "queue_id": .id(queue),
            "next_campaign_id": .id(nextCampaign), "max_concurrent": .integer(maximumConcurrent),
            "calls_per_second": Int64(exactly: callsPerSecond).map { .integer($0) } ?? .double(callsPerSecond),
            "stop_drain_timeout": stopDrainTimeout.map { .integer($0.count) } ?? .null,
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let kind = Kind(rawValue: try json.requireString("type")),
            let endHandle = EndHandle(rawValue: try json.requireString("end_handle"))
        else { throw JSONError("type or end_handle is unknown") }
        name = try json.requireString("name")
        detail = try json.requireString("detail")
        self.kind = kind
        serviceLevel = try json.requireInteger("service_level")
        self.endHandle = endHandle
        actions = try json.requireArray("actions")
        flow = try json.requireID("flow_id")
        source = try Address.stored(json["source"])
        route = try json.requireString("route")
        outplan = try json.requireID("outplan_id")
        outdial = try json.requireID("outdial_id")
        queue = try json.requireID("queue_id")
        nextCampaign = try json.requireID("next_campaign_id")
        maximumConcurrent = try json.requireInteger("max_concurrent")
        callsPerSecond = json["calls_per_second"].double ?? 0
        stopDrainTimeout = json["stop_drain_timeout"].integer.map { Milliseconds($0) }
    }

    /// Only the members that differ from `other`, for the log.
    func changes(from other: CampaignSettings) -> JSONValue {
        var changes = JSONObject()
        for member in json.object?.members ?? [] where member.value != other.json[member.name] {
            changes.append(member.name, member.value)
        }
        return .object(changes)
    }

    func applying(_ changes: JSONValue) -> CampaignSettings {
        guard case .object(var object) = json else { return self }
        for member in changes.object?.members ?? [] { object[member.name] = member.value }
        return (try? CampaignSettings(json: .object(object))) ?? self
    }
}
