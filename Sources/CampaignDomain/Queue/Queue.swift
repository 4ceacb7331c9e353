package import Contracts

/// A group of agents that takes the answered calls of campaigns and callers who wait.
package struct Queue: Aggregate, Hashable {
    package static let category = "queue"

    /// Which agent is next; "" is the longest idle one.
    package enum RoutingMethod: String, Sendable, CaseIterable {
        case unspecified = ""
        case longestIdle = "longest_idle"
        case random, ringall
        case roundRobin = "round_robin"
    }

    package struct Settings: Hashable, Sendable {
        package var name = ""
        package var detail = ""
        package var routingMethod = RoutingMethod.unspecified
        /// Agents with one of these take its calls; none means every agent of the customer.
        package var tags: [ID] = []
        /// The flow that entertains those who wait.
        package var waitFlow = ID.none
        /// How long a caller may wait; 0 is no limit.
        package var waitTimeout: Milliseconds = 0
        /// How long an agent may take; 0 is no limit.
        package var serviceTimeout: Milliseconds = 0
        /// How long an agent is rung.
        package var ringTimeout = Settings.defaultRingTimeout
        /// How long an agent is busy after a talk.
        package var wrapUpTime: Milliseconds = 0

        package static let defaultRingTimeout: Milliseconds = 15_000
    }

    package var id: ID
    package var customer: ID
    package var settings: Settings
    package var directHash: String
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?
    package var deletedAt: Timestamp?
}

/// What happens to a queue.
package enum QueueEvent: DomainEvent, Hashable {
    case created(id: ID, customer: ID, settings: Queue.Settings)
    case updated(settings: Queue.Settings)
    case directHashChanged(String)
    case deleted
}

extension Queue {
    package typealias Event = QueueEvent

    package static func evolve(_ state: inout Queue?, _ event: QueueEvent, at time: Timestamp) {
        if case .created(let id, let customer, let settings) = event {
            state = Queue(
                id: id,
                customer: customer,
                settings: settings,
                directHash: "",
                createdAt: time,
                updatedAt: nil,
                deletedAt: nil
            )
            return
        }
        guard var queue = state else { return }
        switch event {
        case .created: return
        case .updated(let settings): queue.settings = settings
        case .directHashChanged(let hash): queue.directHash = hash
        case .deleted: queue.deletedAt = time
        }
        queue.updatedAt = time
        state = queue
    }
}

/// The rules of queues. That the flow in `wait_flow_id` exists is for the caller to check.
extension Queue {
    package static func create(id: ID, customer: ID, body: RequestBody) throws(Refusal) -> [QueueEvent] {
        [.created(id: id, customer: customer, settings: try Settings().merging(body, part: .all))]
    }

    /// Merges the given fields of `part`.
    package func update(body: RequestBody, part: Settings.Part = .all) throws(Refusal) -> [QueueEvent] {
        let merged = try settings.merging(body, part: part)
        return merged == settings ? [] : [.updated(settings: merged)]
    }

    /// - Parameter hash: a fresh one, which nobody can guess.
    package func changeDirectHash(to hash: String) -> [QueueEvent] { [.directHashChanged(hash)] }

    /// - Parameter campaign: one that is not stopped and uses this queue.
    package func delete(usedBy campaign: ID?) throws(Refusal) -> [QueueEvent] {
        if let campaign { throw .state("campaign \(campaign) is running with this queue; stop it first") }
        return deletedAt == nil ? [.deleted] : []
    }
}

extension Queue.Settings {
    /// The fields that a request may set, by sub-resource.
    package enum Part: Sendable {
        case all, tags, routingMethod

        fileprivate func holds(_ field: String) -> Bool {
            switch self {
            case .all: true
            case .tags: field == "tag_ids"
            case .routingMethod: field == "routing_method"
            }
        }
    }

    private static let timeouts: ClosedRange<Int64> = 0...86_400_000

    fileprivate func merging(_ body: RequestBody, part: Part) throws(Refusal) -> Queue.Settings {
        var merged = self
        func given(_ field: String) -> Bool { part.holds(field) && body.has(field) }
        if given("name") { merged.name = try body.text("name") ?? "" }
        if given("detail") { merged.detail = try body.text("detail") ?? "" }
        if given("routing_method") {
            merged.routingMethod = try body.word("routing_method", Queue.RoutingMethod.self) ?? .unspecified
        }
        if given("tag_ids") { merged.tags = try body.tags() ?? [] }
        if given("wait_flow_id") { merged.waitFlow = try body.id("wait_flow_id") ?? .none }
        if given("wait_timeout") {
            merged.waitTimeout = Milliseconds(try body.integer("wait_timeout", in: Self.timeouts) ?? 0)
        }
        if given("service_timeout") {
            merged.serviceTimeout = Milliseconds(try body.integer("service_timeout", in: Self.timeouts) ?? 0)
        }
        if given("ring_timeout") {
            merged.ringTimeout = try body.milliseconds("ring_timeout", in: 1_000...300_000) ?? Self.defaultRingTimeout
        }
        if given("wrap_up_time") {
            merged.wrapUpTime = Milliseconds(try body.integer("wrap_up_time", in: Self.timeouts) ?? 0)
        }
        return merged
    }

    fileprivate var members: JSONObject {
        [
            "name": .string(name), "detail": .string(detail), "routing_method": .string(routingMethod.rawValue),
            "tag_ids": .array(tags.map { .id($0) }), "wait_flow_id": .id(waitFlow),
            "wait_timeout": .integer(waitTimeout.count), "service_timeout": .integer(serviceTimeout.count),
        ]
    }

    /// As they are stored: what came with later versions is left out where it is what an absent member means.
    fileprivate var stored: JSONObject {
        var object = members
        if ringTimeout != Self.defaultRingTimeout { object.append("ring_timeout", .integer(ringTimeout.count)) }
        if wrapUpTime > 0 { object.append("wrap_up_time", .integer(wrapUpTime.count)) }
        return object
    }

    fileprivate init(json: JSONValue) throws(JSONError) {
        guard let method = Queue.RoutingMethod(rawValue: try json.requireString("routing_method")) else {
            throw JSONError("routing_method is not known to this version")
        }
        name = try json.requireString("name")
        detail = try json.requireString("detail")
        routingMethod = method
        tags = try json.requireArray("tag_ids").compactMap(\.id)
        waitFlow = try json.requireID("wait_flow_id")
        waitTimeout = Milliseconds(try json.requireInteger("wait_timeout"))
        serviceTimeout = Milliseconds(try json.requireInteger("service_timeout"))
        ringTimeout = json["ring_timeout"].integer.map { Milliseconds($0) } ?? Self.defaultRingTimeout
        wrapUpTime = Milliseconds(json["wrap_up_time"].integer ?? 0)
    }
}

extension Queue {
    package var json: JSONValue {
        var object: JSONObject = ["id": .id(id), "customer_id": .id(customer)]
        for member in settings.stored.members { object.append(member.name, member.value) }
        object.append("direct_hash", .string(directHash))
        object.append("tm_create", .time(createdAt))
        object.append("tm_update", .optional(updatedAt))
        object.append("tm_delete", .optional(deletedAt))
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        id = try json.requireID("id")
        customer = try json.requireID("customer_id")
        settings = try Settings(json: json)
        directHash = try json.requireString("direct_hash")
        createdAt = try json.requireTime("tm_create")
        updatedAt = json.optionalTime("tm_update")
        deletedAt = json.optionalTime("tm_delete")
    }

    /// The public object, times as microseconds, without who waits and what it has counted: others know that.
    package var resource: JSONValue {
        var object: JSONObject = ["id": .id(id), "customer_id": .id(customer)]
        for member in settings.members.members { object.append(member.name, member.value) }
        object.append("ring_timeout", .integer(settings.ringTimeout.count))
        object.append("wrap_up_time", .integer(settings.wrapUpTime.count))
        object.append("direct_hash", .string(directHash))
        object.append("tm_create", .time(createdAt))
        object.append("tm_update", .optional(updatedAt))
        object.append("tm_delete", .optional(deletedAt))
        return .object(object)
    }
}

extension QueueEvent {
    package var type: String {
        switch self {
        case .created: "queue_created"
        case .updated: "queue_updated"
        case .directHashChanged: "queue_direct_hash_changed"
        case .deleted: "queue_deleted"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let id, let customer, let settings):
            ["id": .id(id), "customer_id": .id(customer), "settings": .object(settings.stored)]
        case .updated(let settings): ["settings": .object(settings.stored)]
        case .directHashChanged(let hash): ["direct_hash": .string(hash)]
        case .deleted: [:]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "queue_created":
            self = .created(
                id: try json.requireID("id"),
                customer: try json.requireID("customer_id"),
                settings: try Queue.Settings(json: json["settings"])
            )
        case "queue_updated": self = .updated(settings: try Queue.Settings(json: json["settings"]))
        case "queue_direct_hash_changed": self = .directHashChanged(try json.requireString("direct_hash"))
        case "queue_deleted": self = .deleted
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
