package import Contracts

/// A dialing strategy: how long to ring, how often and how soon to try again.
package struct Outplan: Aggregate, Hashable {
    package static let category = "outplan"

    package var id: ID
    package var customer: ID
    package var settings: Settings
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?
    package var deletedAt: Timestamp?

    package struct Settings: Hashable, Sendable {
        package var name = ""
        package var detail = ""
        package var source: Address?
        package var dialTimeout: Milliseconds = 30_000
        package var tryInterval: Milliseconds = 600_000
        /// Five, for destination 0 to 4.
        package var maximumTries = [1, 1, 1, 1, 1]
        package var route = ""
        /// When people may be called, in their own time.
        package var hours = CallingHours.always
    }

    /// The part that a claim carries.
    package var plan: DialPlan { plan(for: nil) }

    /// The same with what the customer wants of all plans.
    package func plan(for customer: Customer?) -> DialPlan {
        DialPlan(
            maximumTries: settings.maximumTries,
            tryInterval: settings.tryInterval,
            hours: settings.hours,
            minimumInterval: customer?.profile.minimumInterval ?? 0
        )
    }
}

/// What happens to an outplan.
package enum OutplanEvent: DomainEvent, Hashable {
    case created(id: ID, customer: ID, settings: Outplan.Settings)
    case updated(settings: Outplan.Settings)
    case deleted
}

extension Outplan {
    package typealias Event = OutplanEvent

    package static func evolve(_ state: inout Outplan?, _ event: OutplanEvent, at time: Timestamp) {
        switch event {
        case .created(let id, let customer, let settings):
            state = Outplan(
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
        case .deleted: state?.deletedAt = time
        }
    }

    package static func create(id: ID, customer: ID, body: RequestBody) throws(Refusal) -> [OutplanEvent] {
        [.created(id: id, customer: customer, settings: try Settings().merging(body, isNew: true))]
    }

    /// Merges the given fields; the counts that are absent stay.
    package func update(body: RequestBody) throws(Refusal) -> [OutplanEvent] {
        let merged = try settings.merging(body, isNew: false)
        return merged == settings ? [] : [.updated(settings: merged)]
    }

    package func delete(usedBy campaign: ID?) throws(Refusal) -> [OutplanEvent] {
        if let campaign { throw .state("campaign \(campaign) is running with this outplan; stop it first") }
        return deletedAt == nil ? [.deleted] : []
    }
}

extension Outplan.Settings {
    private static let countNames = (0..<5).map { "max_try_count_\($0)" }

    fileprivate func merging(_ body: RequestBody, isNew: Bool) throws(Refusal) -> Outplan.Settings {
        var merged = self
        merged.name = try body.text("name") ?? name
        merged.detail = try body.text("detail") ?? detail
        merged.route = try body.text("route") ?? route
        if body.has("source") { merged.source = try Address.read(body.json["source"], field: "source") }
        merged.dialTimeout = try body.milliseconds("dial_timeout", in: 1000...120_000) ?? dialTimeout
        merged.tryInterval = try body.milliseconds("try_interval", in: 0...2_592_000_000) ?? tryInterval
        merged.hours = try body.callingHours(hours)
        // A bare max_try_count fills the counts that are absent; of a new plan with some counts given the rest are 0.
        let bare = try body.integer("max_try_count", in: 0...100)
        let someGiven = Outplan.Settings.countNames.contains { !body.json[$0].isNull }
        for (index, name) in Outplan.Settings.countNames.enumerated() {
            let given = try body.integer(name, in: 0...100) ?? bare
            if let given {
                merged.maximumTries[index] = Int(given)
            } else if isNew, someGiven {
                merged.maximumTries[index] = 0
            }
        }
        return merged
    }

    package var members: JSONObject {
        var object: JSONObject = [
            "name": .string(name), "detail": .string(detail),
            "source": (source ?? Address(type: "", target: "")).json, "dial_timeout": .integer(dialTimeout.count),
            "try_interval": .integer(tryInterval.count),
        ]
        for (index, name) in Outplan.Settings.countNames.enumerated() {
            object.append(name, .integer(maximumTries[index]))
        }
        object.append("route", .string(route))
        hours.append(to: &object)
        return object
    }

    fileprivate init(json: JSONValue) throws(JSONError) {
        name = try json.requireString("name")
        detail = try json.requireString("detail")
        let source = try Address.stored(json["source"])
        self.source = source?.target.isEmpty == true ? nil : source
        dialTimeout = Milliseconds(try json.requireInteger("dial_timeout"))
        tryInterval = Milliseconds(try json.requireInteger("try_interval"))
        for (index, name) in Outplan.Settings.countNames.enumerated() {
            maximumTries[index] = try json.requireInt(name)
        }
        route = json["route"].string ?? ""
        hours = try CallingHours(json: json)
    }
}

extension Outplan {
    /// The public object, times as microseconds.
    package var resource: JSONValue {
        guard var object = json.object else { return json }
        for name in ["calling_windows", "holidays"] where object[name].isNull { object[name] = [] }
        return .object(object)
    }

    /// The stored form: without windows and holidays when there are none, as in rows of earlier versions.
    package var json: JSONValue {
        var object: JSONObject = ["id": .id(id), "customer_id": .id(customer)]
        for member in settings.members.members { object.append(member.name, member.value) }
        object.append("tm_create", .time(createdAt))
        object.append("tm_update", .optional(updatedAt))
        object.append("tm_delete", .optional(deletedAt))
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            id: try json.requireID("id"),
            customer: try json.requireID("customer_id"),
            settings: try Settings(json: json),
            createdAt: try json.requireTime("tm_create"),
            updatedAt: json.optionalTime("tm_update"),
            deletedAt: json.optionalTime("tm_delete")
        )
    }
}

extension OutplanEvent {
    package var type: String {
        switch self {
        case .created: "outplan_created"
        case .updated: "outplan_updated"
        case .deleted: "outplan_deleted"
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
        case "outplan_created":
            self = .created(
                id: try json.requireID("id"),
                customer: try json.requireID("customer_id"),
                settings: try Outplan.Settings(json: json["settings"])
            )
        case "outplan_updated": self = .updated(settings: try Outplan.Settings(json: json["settings"]))
        case "outplan_deleted": self = .deleted
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
