package import Contracts

/// Who makes a request, as campaign-manager knows them at this moment.
package struct Identity: Sendable, Hashable {
    package enum Kind: String, Sendable {
        case agent
        case accessKey = "accesskey"
    }

    package var kind: Kind
    package var id: ID
    package var customerID: ID
    package var permission: Permission
    /// When it ends by itself; nil for never.
    package var expires: Timestamp?

    /// The name that events record: `agent:<id>`, `accesskey:<id>`.
    package var actor: String { "\(kind.rawValue):\(id)" }

    /// Whether it operates the whole installation.
    package var isOperator: Bool { permission.contains(.superAdmin) }

    /// Reads the answer of `identity.resolve`.
    init(json: JSONValue) throws(JSONError) {
        guard let kind = Kind(rawValue: try json.requireString("kind")) else {
            throw JSONError("kind must be agent or accesskey")
        }
        self.kind = kind
        id = try json.requireID("id")
        customerID = try json.requireID("customer_id")
        permission = Permission(rawValue: try json.requireInteger("permission"))
        expires = json.optionalTime("tm_expire")
    }

    /// Whether it may use a route; a route without required bits is open to all.
    func may(_ access: Access) -> Bool {
        access.permission.isEmpty || !permission.isDisjoint(with: access.permission)
    }
}
