package import Contracts

/// The rules of agents. Passwords come as hashes: hashing is slow and done before.
extension Agent {
    /// Reads `username` and `password` of a request that makes an agent.
    ///
    /// A password has 8 to 1,024 bytes; it is returned to be hashed, and belongs into no log.
    package static func credentials(_ body: RequestBody) throws(Refusal) -> (username: String, password: String) {
        (try username(body), try password(body))
    }

    package static func password(_ body: RequestBody) throws(Refusal) -> String {
        guard let password = try body.text("password"), password.utf8.count >= 8 else {
            throw .invalid("password", "must have at least 8 characters")
        }
        guard password.utf8.count <= 1024 else { throw .invalid("password", "must have at most 1024 bytes") }
        return password
    }

    private static func username(_ body: RequestBody) throws(Refusal) -> String {
        guard let username = try body.shortText("username"), !username.isEmpty else {
            throw .invalid("username", "is missing: give the agent a user name to log in with")
        }
        return username
    }

    /// Makes an agent: `permission` is 16 and `status` is offline when they are not given.
    ///
    /// That the user name is free is for the caller to know. Throws when a field is wrong, or when `actor` may not give
    /// the permission.
    package static func create(
        id: ID,
        customer: ID,
        body: RequestBody,
        passwordHash: String,
        by actor: Actor
    ) throws(Refusal) -> [AgentEvent] {
        let permission = try Permission(body: body) ?? .customerAgent
        try actor.requireChange(from: [], to: permission)
        let new = AgentEvent.New(
            id: id,
            customer: customer,
            username: try username(body),
            passwordHash: passwordHash,
            details: try Details().merging(body),
            status: try body.word("status", Status.self) ?? .offline,
            permission: permission
        )
        return [.created(new)]
    }

    /// Makes the agent that an account begins with, named as it logs in. Who may do this is decided elsewhere.
    package static func createFirst(
        id: ID,
        customer: ID,
        username: String,
        passwordHash: String,
        permission: Permission
    ) -> [AgentEvent] {
        var details = Details()
        details.name = username
        let new = AgentEvent.New(
            id: id,
            customer: customer,
            username: username,
            passwordHash: passwordHash,
            details: details,
            status: .offline,
            permission: permission
        )
        return [.created(new)]
    }

    /// Merges `name`, `detail`, `ring_method`, `tag_ids` and `addresses`, as far as they are among `fields`.
    package func update(
        body: RequestBody,
        fields: Set<String> = ["name", "detail", "ring_method"],
        by actor: Actor
    ) throws(Refusal) -> [AgentEvent] {
        if fields.contains("tag_ids") { try actor.requireManager() } else { try actor.requireManager(orAgent: id) }
        let merged = try details.merging(body, fields: fields)
        return merged == details ? [] : [.updated(merged)]
    }

    package func setStatus(body: RequestBody, by actor: Actor) throws(Refusal) -> [AgentEvent] {
        try actor.requireManager(orAgent: id)
        guard let status = try body.word("status", Status.self) else {
            throw .invalid("status", "is missing: give \(Status.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return change(to: status)
    }

    /// - Parameters:
    ///   - otherAdmins: how many further agents of the customer have the admin's bit.
    ///   - otherSuperAdmins: how many further agents of the installation have the super admin's.
    package func setPermission(
        body: RequestBody,
        by actor: Actor,
        otherAdmins: Int,
        otherSuperAdmins: Int = 1
    ) throws(Refusal) -> [AgentEvent] {
        guard let permission = try Permission(body: body) else {
            throw .invalid("permission", "is missing: give the mask as a whole number")
        }
        try actor.requireChange(from: self.permission, to: permission)
        if !permission.contains(.customerAdmin) { try requireOtherAdmin(otherAdmins) }
        if !permission.contains(.projectSuperAdmin) { try requireOtherSuperAdmin(otherSuperAdmins) }
        return permission == self.permission ? [] : [.permissionChanged(permission)]
    }

    package func setPassword(hash: String, by actor: Actor) throws(Refusal) -> [AgentEvent] {
        try actor.requireManager(orAgent: id)
        if actor.agent != id { try actor.requireAuthority(over: permission) }
        return [.passwordChanged(passwordHash: hash)]
    }

    /// - Parameters:
    ///   - otherAdmins: how many further agents of the customer have the admin's bit.
    ///   - otherSuperAdmins: how many further agents of the installation have the super admin's.
    package func delete(by actor: Actor, otherAdmins: Int, otherSuperAdmins: Int = 1) throws(Refusal) -> [AgentEvent] {
        guard deletedAt == nil else { return [] }
        try actor.requireAuthority(over: permission)
        try requireOtherAdmin(otherAdmins)
        try requireOtherSuperAdmin(otherSuperAdmins)
        return [.deleted]
    }

    private func requireOtherSuperAdmin(_ others: Int) throws(Refusal) {
        guard !permission.contains(.projectSuperAdmin) || others > 0 else {
            throw .state(
                "this is the installation's last super admin; give another agent the super admin's bit (1) first"
            )
        }
    }

    private func requireOtherAdmin(_ otherAdmins: Int) throws(Refusal) {
        guard !isAdmin || otherAdmins > 0 else {
            throw .state("this is the customer's last admin; give another agent the admin's bit (32) first")
        }
    }
}

extension Agent.Details {
    private static let addressLimit = 100

    /// These details with the given ones of `fields` put in: absent is kept, null is the default.
    fileprivate func merging(
        _ body: RequestBody,
        fields: Set<String> = ["name", "detail", "ring_method", "tag_ids", "addresses"]
    ) throws(Refusal) -> Agent.Details {
        var merged = self
        func given(_ field: String) -> Bool { fields.contains(field) && body.has(field) }
        if given("name") { merged.name = try body.text("name") ?? "" }
        if given("detail") { merged.detail = try body.text("detail") ?? "" }
        if given("ring_method") {
            merged.ringMethod = try body.word("ring_method", Agent.RingMethod.self, aliases: ["": .ringall]) ?? .ringall
        }
        if given("tag_ids") { merged.tags = try body.tags() ?? [] }
        if given("addresses") { merged.addresses = try Agent.Details.addresses(body.json["addresses"]) }
        return merged
    }

    private static func addresses(_ json: JSONValue) throws(Refusal) -> [Address] {
        if json.isNull { return [] }
        guard let given = json.array else { throw .invalid("addresses", "must be an array of addresses") }
        guard given.count <= addressLimit else {
            throw .invalid("addresses", "must be at most \(addressLimit), not \(given.count)")
        }
        var addresses: [Address] = []
        for (index, value) in given.enumerated() {
            guard let address = try Address.read(value, field: "addresses[\(index)]") else {
                throw .invalid("addresses[\(index)].target", "is missing: give a number or another address")
            }
            addresses.append(address)
        }
        return addresses
    }
}
