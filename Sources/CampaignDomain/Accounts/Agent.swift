package import Contracts

/// A person of a customer: logs in with user name and password.
package struct Agent: Aggregate, Hashable {
    package static let category = "agent"

    package var id: ID
    package var customer: ID
    package var username: String
    /// `scrypt$N$r$p$salt$hash`, hexadecimal. Never leaves campaign-manager.
    package var passwordHash: String
    package var name: String
    package var permission: Permission
    package var createdAt: Timestamp

    package static func evolve(_ state: inout Agent?, _ event: AgentEvent, at time: Timestamp) {
        switch event {
        case .created(let id, let customer, let username, let passwordHash, let name, let permission):
            state = Agent(
                id: id,
                customer: customer,
                username: username,
                passwordHash: passwordHash,
                name: name,
                permission: permission,
                createdAt: time
            )
        }
    }

    package var json: JSONValue {
        [
            "id": .id(id), "customer_id": .id(customer), "username": .string(username),
            "password_hash": .string(passwordHash), "name": .string(name), "permission": .integer(permission.rawValue),
            "tm_create": .time(createdAt),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            id: try json.requireID("id"),
            customer: try json.requireID("customer_id"),
            username: try json.requireString("username"),
            passwordHash: try json.requireString("password_hash"),
            name: try json.requireString("name"),
            permission: Permission(rawValue: try json.requireInteger("permission")),
            createdAt: try json.requireTime("tm_create")
        )
    }

    private init(
        id: ID,
        customer: ID,
        username: String,
        passwordHash: String,
        name: String,
        permission: Permission,
        createdAt: Timestamp
    ) {
        self.id = id
        self.customer = customer
        self.username = username
        self.passwordHash = passwordHash
        self.name = name
        self.permission = permission
        self.createdAt = createdAt
    }

    /// The public object, without the password, times as microseconds.
    package var resource: JSONValue {
        [
            "id": .id(id), "customer_id": .id(customer), "username": .string(username), "name": .string(name),
            "detail": "", "ring_method": "ringall", "status": "available",
            "permission": .integer(permission.rawValue), "tag_ids": [], "addresses": [],
            "tm_create": .time(createdAt), "tm_update": .null, "tm_delete": .null,
        ]
    }
}

package enum AgentEvent: DomainEvent, Hashable {
    case created(
        id: ID,
        customer: ID,
        username: String,
        passwordHash: String,
        name: String,
        permission: Permission
    )

    package var type: String { "agent_created" }

    package var json: JSONValue {
        switch self {
        case .created(let id, let customer, let username, let passwordHash, let name, let permission):
            [
                "id": .id(id), "customer_id": .id(customer), "username": .string(username),
                "password_hash": .string(passwordHash), "name": .string(name),
                "permission": .integer(permission.rawValue),
            ]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard type == "agent_created", schema == 1 else { throw JSONError("event type \(type) is not known") }
        self = .created(
            id: try json.requireID("id"),
            customer: try json.requireID("customer_id"),
            username: try json.requireString("username"),
            passwordHash: try json.requireString("password_hash"),
            name: try json.requireString("name"),
            permission: Permission(rawValue: try json.requireInteger("permission"))
        )
    }
}
