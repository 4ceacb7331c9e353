package import Contracts

/// A key for programs. Only its hash is kept; the token itself is shown once, when it is made.
package struct AccessKey: Aggregate, Hashable {
    package static let category = "accesskey"

    package var id: ID
    package var customer: ID
    package var name: String
    package var detail: String
    /// SHA-256 of the token, hexadecimal.
    package var tokenHash: String
    /// The first characters of the token, to recognise it by.
    package var tokenPrefix: String
    package var permission: Permission
    package var expiresAt: Timestamp?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?
    package var deletedAt: Timestamp?

    package typealias Event = AccessKeyEvent

    package static func evolve(_ state: inout AccessKey?, _ event: AccessKeyEvent, at time: Timestamp) {
        switch event {
        case .created(let new):
            state = AccessKey(
                id: new.id,
                customer: new.customer,
                name: new.name,
                detail: new.detail,
                tokenHash: new.tokenHash,
                tokenPrefix: new.tokenPrefix,
                permission: new.permission,
                expiresAt: new.expiresAt,
                createdAt: time,
                updatedAt: nil,
                deletedAt: nil
            )
        case .updated(let name, let detail):
            state?.name = name
            state?.detail = detail
            state?.updatedAt = time
        case .deleted: state?.deletedAt = time
        }
    }

    /// Reads a creation: `expire` is in seconds from now, absent is never.
    package static func create(
        id: ID,
        customer: ID,
        body: RequestBody,
        tokenHash: String,
        tokenPrefix: String,
        permission: Permission,
        now: Timestamp
    ) throws(Refusal) -> [AccessKeyEvent] {
        let seconds = try body.integer("expire", in: 0...3_153_600_000)
        return [
            .created(
                AccessKeyEvent.New(
                    id: id,
                    customer: customer,
                    name: try body.text("name") ?? "",
                    detail: try body.text("detail") ?? "",
                    tokenHash: tokenHash,
                    tokenPrefix: tokenPrefix,
                    permission: permission,
                    expiresAt: seconds.flatMap { $0 > 0 ? now + .seconds($0) : nil }
                )
            )
        ]
    }

    package func update(body: RequestBody) throws(Refusal) -> [AccessKeyEvent] {
        let (name, detail) = (try body.text("name") ?? self.name, try body.text("detail") ?? self.detail)
        return name == self.name && detail == self.detail ? [] : [.updated(name: name, detail: detail)]
    }

    package func delete() -> [AccessKeyEvent] { deletedAt == nil ? [.deleted] : [] }

    package func isValid(at now: Timestamp) -> Bool {
        guard deletedAt == nil else { return false }
        return expiresAt.map { now < $0 } ?? true
    }
}

package enum AccessKeyEvent: DomainEvent, Hashable {
    package struct New: Hashable, Sendable {
        package var id: ID
        package var customer: ID
        package var name: String
        package var detail: String
        package var tokenHash: String
        package var tokenPrefix: String
        package var permission: Permission
        package var expiresAt: Timestamp?
    }

    case created(New)
    case updated(name: String, detail: String)
    case deleted
}

extension AccessKey {
    package var json: JSONValue {
        [
            "id": .id(id), "customer_id": .id(customer), "name": .string(name), "detail": .string(detail),
            "token_hash": .string(tokenHash), "token_prefix": .string(tokenPrefix),
            "permission": .integer(permission.rawValue), "tm_expire": .optional(expiresAt),
            "tm_create": .time(createdAt), "tm_update": .optional(updatedAt), "tm_delete": .optional(deletedAt),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            id: try json.requireID("id"),
            customer: try json.requireID("customer_id"),
            name: try json.requireString("name"),
            detail: try json.requireString("detail"),
            tokenHash: try json.requireString("token_hash"),
            tokenPrefix: try json.requireString("token_prefix"),
            permission: Permission(rawValue: try json.requireInteger("permission")),
            expiresAt: json.optionalTime("tm_expire"),
            createdAt: try json.requireTime("tm_create"),
            updatedAt: json.optionalTime("tm_update"),
            deletedAt: json.optionalTime("tm_delete")
        )
    }

    /// The public object, without the hash, times as microseconds.
    package var resource: JSONValue {
        var object = json.object ?? JSONObject()
        object.remove("token_hash")
        object.remove("permission")
        return .object(object)
    }
}

extension AccessKeyEvent {
    package var type: String {
        switch self {
        case .created: "accesskey_created"
        case .updated: "accesskey_updated"
        case .deleted: "accesskey_deleted"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let new):
            [
                "id": .id(new.id), "customer_id": .id(new.customer), "name": .string(new.name),
                "detail": .string(new.detail), "token_hash": .string(new.tokenHash),
                "token_prefix": .string(new.tokenPrefix), "permission": .integer(new.permission.rawValue),
                "tm_expire": .optional(new.expiresAt),
            ]
        case .updated(let name, let detail): ["name": .string(name), "detail": .string(detail)]
        case .deleted: [:]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "accesskey_created":
            self = .created(
                New(
                    id: try json.requireID("id"),
                    customer: try json.requireID("customer_id"),
                    name: try json.requireString("name"),
                    detail: try json.requireString("detail"),
                    tokenHash: try json.requireString("token_hash"),
                    tokenPrefix: try json.requireString("token_prefix"),
                    permission: Permission(rawValue: try json.requireInteger("permission")),
                    expiresAt: json.optionalTime("tm_expire")
                )
            )
        case "accesskey_updated":
            self = .updated(name: try json.requireString("name"), detail: try json.requireString("detail"))
        case "accesskey_deleted": self = .deleted
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
