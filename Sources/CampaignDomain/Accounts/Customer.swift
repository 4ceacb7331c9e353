package import Contracts

/// A customer: the owner of everything else.
package struct Customer: Aggregate, Hashable {
    package static let category = "customer"

    package var id: ID
    package var profile: Profile
    package var createdAt: Timestamp

    package struct Profile: Hashable, Sendable {
        package var name: String
        package var detail: String
        package var email: String
        package var phoneNumber: String

        package init(body: RequestBody) throws(Refusal) {
            name = try body.text("name") ?? ""
            detail = try body.text("detail") ?? ""
            email = try body.text("email") ?? ""
            phoneNumber = try body.text("phone_number") ?? ""
            guard !name.isEmpty else { throw .invalid("name", "is missing: give the customer a name") }
        }

        fileprivate init(json: JSONValue) throws(JSONError) {
            name = try json.requireString("name")
            detail = try json.requireString("detail")
            email = try json.requireString("email")
            phoneNumber = try json.requireString("phone_number")
        }
    }

    /// The public object, times as microseconds; also the stored form.
    package var json: JSONValue {
        [
            "id": .id(id), "name": .string(profile.name), "detail": .string(profile.detail),
            "email": .string(profile.email), "phone_number": .string(profile.phoneNumber), "address": "",
            "webhook_method": "", "webhook_uri": "", "billing_account_id": .id(.none), "status": "active",
            "tm_create": .time(createdAt), "tm_update": .null, "tm_delete": .null,
        ]
    }

    package init(id: ID, profile: Profile, createdAt: Timestamp) {
        self.id = id
        self.profile = profile
        self.createdAt = createdAt
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            id: try json.requireID("id"),
            profile: try Profile(json: json),
            createdAt: try json.requireTime("tm_create")
        )
    }

    package static func evolve(_ state: inout Customer?, _ event: CustomerEvent, at time: Timestamp) {
        switch event {
        case .created(let id, let profile): state = Customer(id: id, profile: profile, createdAt: time)
        }
    }
}

package enum CustomerEvent: DomainEvent, Hashable {
    case created(id: ID, profile: Customer.Profile)

    package var type: String { "customer_created" }

    package var json: JSONValue {
        switch self {
        case .created(let id, let profile):
            [
                "id": .id(id), "name": .string(profile.name), "detail": .string(profile.detail),
                "email": .string(profile.email), "phone_number": .string(profile.phoneNumber),
            ]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard type == "customer_created", schema == 1 else { throw JSONError("event type \(type) is not known") }
        self = .created(id: try json.requireID("id"), profile: try Customer.Profile(json: json))
    }
}
