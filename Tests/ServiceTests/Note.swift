import Contracts
import EventLog

@testable import Service

/// The smallest aggregate that can be told of: it has a text, a count that nobody sees, and a secret.
struct Note: Aggregate {
    static let category = "note"

    var id: ID
    var customer: ID
    var text: String
    var createdAt: Timestamp
    var updatedAt: Timestamp?
    var deletedAt: Timestamp?
    var secret = "hash"

    enum Event: DomainEvent {
        case created(ID, customer: ID, text: String)
        case changed(String)
        case renamed(String)
        case counted
        case deleted

        var type: String {
            switch self {
            case .created: "note_created"
            case .changed: "note_changed"
            case .renamed: "note_renamed"
            case .counted: "note_counted"
            case .deleted: "note_deleted"
            }
        }

        var json: JSONValue {
            switch self {
            case .created(let id, let customer, let text):
                ["id": .id(id), "customer_id": .id(customer), "text": .string(text)]
            case .changed(let text), .renamed(let text): ["text": .string(text)]
            case .counted, .deleted: [:]
            }
        }

        init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
            switch type {
            case "note_created":
                self = .created(
                    try json.requireID("id"),
                    customer: try json.requireID("customer_id"),
                    text: try json.requireString("text")
                )
            case "note_changed": self = .changed(try json.requireString("text"))
            case "note_renamed": self = .renamed(try json.requireString("text"))
            case "note_counted": self = .counted
            case "note_deleted": self = .deleted
            default: throw JSONError("\(type) is not known")
            }
        }
    }

    static func evolve(_ state: inout Note?, _ event: Event, at time: Timestamp) {
        switch event {
        case .created(let id, let customer, let text):
            state = Note(id: id, customer: customer, text: text, createdAt: time)
        case .changed(let text), .renamed(let text):
            state?.text += text
            state?.updatedAt = time
        case .counted: break
        case .deleted: state?.deletedAt = time
        }
    }

    init(id: ID, customer: ID, text: String, createdAt: Timestamp) {
        self.id = id
        self.customer = customer
        self.text = text
        self.createdAt = createdAt
    }

    init(json: JSONValue) throws(JSONError) { throw JSONError("notes have no rows") }
    var json: JSONValue { [:] }

    var resource: JSONValue {
        [
            "id": .id(id), "text": .string(text), "tm_create": .time(createdAt), "tm_update": .optional(updatedAt),
            "tm_delete": .optional(deletedAt),
        ]
    }

    static func published(isFrequent: Bool = false) -> PublishedCategory {
        PublishedCategory(
            Note.self,
            as: "memo",
            renamed: ["note_renamed": "memo_title_updated"],
            keptInside: ["note_counted"],
            isFrequent: isFrequent,
            customer: { $0.customer },
            resource: { $0.resource }
        )
    }
}
