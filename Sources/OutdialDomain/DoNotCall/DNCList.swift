package import Contracts

/// A list of numbers that are not to be called: of one customer, or of the whole installation.
package struct DNCList: Aggregate, Hashable {
    package static let category = "dnclist"

    package var id: ID
    /// ``ID/none`` for a list of the whole installation.
    package var customer: ID
    package var name: String
    package var detail: String
    /// The customer's list that takes what people say during calls.
    package var isDefault: Bool
    /// Grows with every change, so that a check can say what it saw.
    package var version: Int64
    /// How many numbers are on it.
    package var numbers: Int64
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?
    package var deletedAt: Timestamp?

    package var isGlobal: Bool { customer.isNone }

    /// The most lists that a customer has, and the installation: each is named in every lease.
    package static let limit = 20
    /// The most numbers that one request adds.
    package static let addLimit = 1000

    /// The id of a customer's default list: there is one, however often it is needed for the first time.
    package static func defaultID(of customer: ID) -> ID { customer.derived(0x0D4C) }
}

/// What happens to a do-not-call list; its numbers have events of their own.
package enum DNCListEvent: DomainEvent, Hashable {
    case created(id: ID, customer: ID, name: String, detail: String, isDefault: Bool)
    case updated(name: String?, detail: String?)
    case numbersChanged(added: Int64, removed: Int64)
    case deleted
}

extension DNCList {
    package typealias Event = DNCListEvent

    package static func evolve(_ state: inout DNCList?, _ event: DNCListEvent, at time: Timestamp) {
        if case .created(let id, let customer, let name, let detail, let isDefault) = event {
            state = DNCList(
                id: id,
                customer: customer,
                name: name,
                detail: detail,
                isDefault: isDefault,
                version: 1,
                numbers: 0,
                createdAt: time,
                updatedAt: nil,
                deletedAt: nil
            )
            return
        }
        state?.apply(event, at: time)
    }

    private mutating func apply(_ event: DNCListEvent, at time: Timestamp) {
        version += 1
        updatedAt = time
        switch event {
        case .created: break
        case .updated(let name, let detail):
            self.name = name ?? self.name
            self.detail = detail ?? self.detail
        case .numbersChanged(let added, let removed): numbers += added - removed
        case .deleted: deletedAt = time
        }
    }

    package static func create(id: ID, customer: ID, body: RequestBody) throws(Refusal) -> [DNCListEvent] {
        [
            .created(
                id: id,
                customer: customer,
                name: try body.text("name") ?? "",
                detail: try body.text("detail") ?? "",
                isDefault: false
            )
        ]
    }

    /// The list that a customer has without having made it.
    package static func createDefault(of customer: ID) -> [DNCListEvent] {
        [
            .created(
                id: defaultID(of: customer),
                customer: customer,
                name: "default",
                detail: "people who said during a call that they want no more calls",
                isDefault: true
            )
        ]
    }

    package func update(body: RequestBody) throws(Refusal) -> [DNCListEvent] {
        let (name, detail) = (try body.text("name"), try body.text("detail"))
        let isUnchanged = (name ?? self.name) == self.name && (detail ?? self.detail) == self.detail
        return isUnchanged ? [] : [.updated(name: name, detail: detail)]
    }

    package func change(added: Int64, removed: Int64) -> [DNCListEvent] {
        added == 0 && removed == 0 ? [] : [.numbersChanged(added: added, removed: removed)]
    }

    /// The default list stays: the wishes on it came from people themselves.
    package func delete() throws(Refusal) -> [DNCListEvent] {
        guard !isDefault else { throw .state("this is the customer's default list; remove numbers from it instead") }
        return deletedAt == nil ? [.deleted] : []
    }
}

extension DNCList {
    package var json: JSONValue {
        [
            "id": .id(id), "customer_id": .id(customer), "name": .string(name), "detail": .string(detail),
            "default": .bool(isDefault), "version": .integer(version), "numbers": .integer(numbers),
            "tm_create": .time(createdAt), "tm_update": .optional(updatedAt), "tm_delete": .optional(deletedAt),
        ]
    }

    /// The public object, times as microseconds.
    package var resource: JSONValue {
        [
            "id": .id(id), "customer_id": .id(customer), "name": .string(name), "detail": .string(detail),
            "default": .bool(isDefault), "global": .bool(isGlobal), "version": .integer(version),
            "numbers": .integer(numbers), "tm_create": .time(createdAt), "tm_update": .optional(updatedAt),
            "tm_delete": .optional(deletedAt),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            id: try json.requireID("id"),
            customer: try json.requireID("customer_id"),
            name: try json.requireString("name"),
            detail: try json.requireString("detail"),
            isDefault: try json.requireBool("default"),
            version: try json.requireInteger("version"),
            numbers: try json.requireInteger("numbers"),
            createdAt: try json.requireTime("tm_create"),
            updatedAt: json.optionalTime("tm_update"),
            deletedAt: json.optionalTime("tm_delete")
        )
    }
}

extension DNCListEvent {
    package var type: String {
        switch self {
        case .created: "dnclist_created"
        case .updated: "dnclist_updated"
        case .numbersChanged: "dnclist_numbers_changed"
        case .deleted: "dnclist_deleted"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let id, let customer, let name, let detail, let isDefault):
            return [
                "id": .id(id), "customer_id": .id(customer), "name": .string(name), "detail": .string(detail),
                "default": .bool(isDefault),
            ]
        case .updated(let name, let detail):
            var object = JSONObject()
            if let name { object.append("name", .string(name)) }
            if let detail { object.append("detail", .string(detail)) }
            return .object(object)
        case .numbersChanged(let added, let removed):
            return ["added": .integer(added), "removed": .integer(removed)]
        case .deleted: return [:]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "dnclist_created":
            self = .created(
                id: try json.requireID("id"),
                customer: try json.requireID("customer_id"),
                name: try json.requireString("name"),
                detail: try json.requireString("detail"),
                isDefault: try json.requireBool("default")
            )
        case "dnclist_updated": self = .updated(name: json["name"].string, detail: json["detail"].string)
        case "dnclist_numbers_changed":
            self = .numbersChanged(
                added: try json.requireInteger("added"),
                removed: try json.requireInteger("removed")
            )
        case "dnclist_deleted": self = .deleted
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
