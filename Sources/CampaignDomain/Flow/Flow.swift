package import Contracts

/// A list of actions to run on a call, kept for several uses.
package struct Flow: Aggregate, Hashable {
    package static let category = "flow"

    package enum Kind: String, Sendable, CaseIterable {
        case unspecified = ""
        case flow, conference, queue, campaign, transfer
    }

    package struct Settings: Hashable, Sendable {
        package var kind = Kind.flow
        package var name = ""
        package var detail = ""
        package var actions: [JSONValue] = []
        /// The flow that follows when this one is over.
        package var onComplete = ID.none
    }

    package var id: ID
    package var customer: ID
    package var settings: Settings
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?
    package var deletedAt: Timestamp?
}

/// What happens to a flow.
package enum FlowEvent: DomainEvent, Hashable {
    case created(id: ID, customer: ID, settings: Flow.Settings)
    case updated(settings: Flow.Settings)
    case deleted
}

extension Flow {
    package typealias Event = FlowEvent

    package static func evolve(_ state: inout Flow?, _ event: FlowEvent, at time: Timestamp) {
        switch event {
        case .created(let id, let customer, let settings):
            state = Flow(
                id: id,
                customer: customer,
                settings: settings,
                createdAt: time,
                updatedAt: nil,
                deletedAt: nil
            )
        case .updated(let settings):
            state?.settings = settings
            state?.updatedAt = time
        case .deleted:
            state?.deletedAt = time
            state?.updatedAt = time
        }
    }

    /// That the flow in `on_complete_flow_id` exists is for the caller to check.
    package static func create(id: ID, customer: ID, body: RequestBody) throws(Refusal) -> [FlowEvent] {
        [.created(id: id, customer: customer, settings: try Settings().merging(body, own: id))]
    }

    /// Merges the given fields.
    package func update(body: RequestBody) throws(Refusal) -> [FlowEvent] {
        let merged = try settings.merging(body, own: id)
        return merged == settings ? [] : [.updated(settings: merged)]
    }

    /// - Parameter campaign: one that is not stopped and uses this flow.
    package func delete(usedBy campaign: ID?) throws(Refusal) -> [FlowEvent] {
        if let campaign { throw .state("campaign \(campaign) is running with this flow; stop it first") }
        return deletedAt == nil ? [.deleted] : []
    }
}

extension Flow.Settings {
    fileprivate func merging(_ body: RequestBody, own: ID) throws(Refusal) -> Flow.Settings {
        var merged = self
        if body.has("type") { merged.kind = try body.word("type", Flow.Kind.self) ?? .flow }
        if body.has("name") { merged.name = try body.text("name") ?? "" }
        if body.has("detail") { merged.detail = try body.text("detail") ?? "" }
        if body.has("actions") { merged.actions = try ActionList.read(body.json["actions"]) }
        if body.has("on_complete_flow_id") { merged.onComplete = try body.id("on_complete_flow_id") ?? .none }
        guard merged.onComplete != own else { throw .invalid("on_complete_flow_id", "must not be the flow itself") }
        return merged
    }

    fileprivate var members: JSONObject {
        [
            "type": .string(kind.rawValue), "name": .string(name), "detail": .string(detail),
            "actions": .array(actions), "on_complete_flow_id": .id(onComplete),
        ]
    }

    fileprivate init(json: JSONValue) throws(JSONError) {
        guard let kind = Flow.Kind(rawValue: try json.requireString("type")) else {
            throw JSONError("type is not known to this version")
        }
        self.kind = kind
        name = try json.requireString("name")
        detail = try json.requireString("detail")
        actions = try json.requireArray("actions")
        onComplete = try json.requireID("on_complete_flow_id")
    }
}

extension Flow {
    /// The public object, times as microseconds; also the stored form.
    package var json: JSONValue {
        var object: JSONObject = ["id": .id(id), "customer_id": .id(customer)]
        for member in settings.members.members { object.append(member.name, member.value) }
        object.append("direct_hash", "")
        object.append("tm_create", .time(createdAt))
        object.append("tm_update", .optional(updatedAt))
        object.append("tm_delete", .optional(deletedAt))
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        id = try json.requireID("id")
        customer = try json.requireID("customer_id")
        settings = try Settings(json: json)
        createdAt = try json.requireTime("tm_create")
        updatedAt = json.optionalTime("tm_update")
        deletedAt = json.optionalTime("tm_delete")
    }
}

extension FlowEvent {
    package var type: String {
        switch self {
        case .created: "flow_created"
        case .updated: "flow_updated"
        case .deleted: "flow_deleted"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let id, let customer, let settings):
            ["id": .id(id), "customer_id": .id(customer), "settings": .object(settings.members)]
        case .updated(let settings): ["settings": .object(settings.members)]
        case .deleted: [:]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "flow_created":
            self = .created(
                id: try json.requireID("id"),
                customer: try json.requireID("customer_id"),
                settings: try Flow.Settings(json: json["settings"])
            )
        case "flow_updated": self = .updated(settings: try Flow.Settings(json: json["settings"]))
        case "flow_deleted": self = .deleted
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
