package import Contracts

/// A customer: the owner of everything else.
package struct Customer: Aggregate, Hashable {
    package static let category = "customer"

    package var id: ID
    package var profile: Profile
    /// While it is false nobody is dialed for this customer; calls under way go on.
    package var isDialingEnabled: Bool
    /// What webhooks are signed with; "" before there was one. Shown once, by the answer to the request that made it.
    package var webhookSecret: String = ""
    package var createdAt: Timestamp
    package var updatedAt: Timestamp?

    package struct Profile: Hashable, Sendable {
        package var name = ""
        package var detail = ""
        package var email = ""
        package var phoneNumber = ""
        package var address = ""
        /// How webhooks are sent; "" is POST.
        package var webhookMethod = WebhookMethod.none
        /// Where every published event of the customer goes; "" is nowhere.
        package var webhookURI = ""
        /// From the end of a call to the next one to the same number; 0 is at once.
        package var minimumInterval: Milliseconds = 0

        package init() {}
    }

    package enum WebhookMethod: String, Sendable, CaseIterable {
        case none = ""
        case post = "POST"
        case get = "GET"
        case put = "PUT"
        case delete = "DELETE"
    }
}

/// What happens to a customer.
package enum CustomerEvent: DomainEvent, Hashable {
    case created(id: ID, profile: Customer.Profile)
    case updated(profile: Customer.Profile)
    case dialingSwitched(isEnabled: Bool)
    /// Kept as it is, since signing takes the secret itself; nobody is told of it.
    case webhookSecretMade(secret: String)
}

extension Customer {
    package typealias Event = CustomerEvent

    package static func evolve(_ state: inout Customer?, _ event: CustomerEvent, at time: Timestamp) {
        switch event {
        case .created(let id, let profile):
            state = Customer(id: id, profile: profile, isDialingEnabled: true, createdAt: time, updatedAt: nil)
        case .updated(let profile):
            state?.profile = profile
            state?.updatedAt = time
        case .dialingSwitched(let isEnabled):
            state?.isDialingEnabled = isEnabled
            state?.updatedAt = time
        case .webhookSecretMade(let secret): state?.webhookSecret = secret
        }
    }

    /// Makes a customer; a name has to be given.
    package static func create(id: ID, body: RequestBody) throws(Refusal) -> [CustomerEvent] {
        [.created(id: id, profile: try Profile().merging(body))]
    }

    /// Merges the given fields of the profile.
    package func update(body: RequestBody) throws(Refusal) -> [CustomerEvent] {
        let merged = try profile.merging(body)
        return merged == profile ? [] : [.updated(profile: merged)]
    }

    /// Takes `secret` for its webhooks, in place of an earlier one.
    package func renewWebhookSecret(_ secret: String) -> [CustomerEvent] { [.webhookSecretMade(secret: secret)] }

    /// Takes `secret` when webhooks have somewhere to go and no secret yet.
    package func needWebhookSecret(_ secret: String) -> [CustomerEvent] {
        profile.webhookURI.isEmpty || !webhookSecret.isEmpty ? [] : renewWebhookSecret(secret)
    }

    /// Reads `{"enabled": bool}`.
    package func switchDialing(body: RequestBody) throws(Refusal) -> [CustomerEvent] {
        let isEnabled = try body.dialingSwitch()
        return isEnabled == isDialingEnabled ? [] : [.dialingSwitched(isEnabled: isEnabled)]
    }
}

extension RequestBody {
    /// The value of `enabled`, which has to be there.
    func dialingSwitch() throws(Refusal) -> Bool {
        guard let isEnabled = json["enabled"].bool else { throw .invalid("enabled", "must be true or false") }
        return isEnabled
    }
}

extension Customer.Profile {
    /// This profile with the given fields put in: absent is kept.
    fileprivate func merging(_ body: RequestBody) throws(Refusal) -> Customer.Profile {
        var merged = self
        merged.name = try body.text("name") ?? name
        merged.detail = try body.text("detail") ?? detail
        merged.email = try body.text("email") ?? email
        merged.phoneNumber = try body.text("phone_number") ?? phoneNumber
        merged.address = try body.text("address") ?? address
        merged.webhookMethod = try body.word("webhook_method", Customer.WebhookMethod.self) ?? webhookMethod
        merged.webhookURI = try body.text("webhook_uri") ?? webhookURI
        let interval = try body.milliseconds("min_interval_per_number", in: 0...2_592_000_000)
        merged.minimumInterval = interval ?? minimumInterval
        guard !merged.name.isEmpty else { throw .invalid("name", "is missing: give the customer a name") }
        guard merged.webhookURI.isEmpty || ["http://", "https://"].contains(where: merged.webhookURI.hasPrefix) else {
            throw .invalid("webhook_uri", "must begin with http:// or https://")
        }
        return merged
    }

    fileprivate var members: JSONObject {
        var object: JSONObject = [
            "name": .string(name), "detail": .string(detail), "email": .string(email),
            "phone_number": .string(phoneNumber), "address": .string(address),
            "webhook_method": .string(webhookMethod.rawValue), "webhook_uri": .string(webhookURI),
        ]
        // Absent unless it is set, as in rows of earlier versions.
        if minimumInterval > 0 { object.append("min_interval_per_number", .integer(minimumInterval.count)) }
        return object
    }

    /// The last three may be absent.
    fileprivate init(json: JSONValue) throws(JSONError) {
        name = try json.requireString("name")
        detail = try json.requireString("detail")
        email = try json.requireString("email")
        phoneNumber = try json.requireString("phone_number")
        address = json["address"].string ?? ""
        guard let method = Customer.WebhookMethod(rawValue: json["webhook_method"].string ?? "") else {
            throw JSONError("webhook_method is not known to this version")
        }
        webhookMethod = method
        webhookURI = json["webhook_uri"].string ?? ""
        minimumInterval = Milliseconds(json["min_interval_per_number"].integer ?? 0)
    }
}

extension Customer {
    /// The stored form: `dialing_enabled` is absent unless it is false, as in rows of earlier versions.
    package var json: JSONValue {
        var object = members
        if !isDialingEnabled { object.append("dialing_enabled", false) }
        if !webhookSecret.isEmpty { object.append("webhook_secret", .string(webhookSecret)) }
        return .object(object)
    }

    /// The public object, times as microseconds.
    package var resource: JSONValue {
        var object = members
        object["min_interval_per_number"] = .integer(profile.minimumInterval.count)
        object.append("dialing_enabled", .bool(isDialingEnabled))
        return .object(object)
    }

    private var members: JSONObject {
        var object: JSONObject = ["id": .id(id)]
        for member in profile.members.members { object.append(member.name, member.value) }
        object.append("billing_account_id", .id(.none))
        object.append("status", "active")
        object.append("tm_create", .time(createdAt))
        object.append("tm_update", .optional(updatedAt))
        object.append("tm_delete", .null)
        return object
    }

    package init(json: JSONValue) throws(JSONError) {
        id = try json.requireID("id")
        profile = try Profile(json: json)
        isDialingEnabled = json["dialing_enabled"].bool ?? true
        webhookSecret = json["webhook_secret"].string ?? ""
        createdAt = try json.requireTime("tm_create")
        updatedAt = json.optionalTime("tm_update")
    }
}

extension CustomerEvent {
    package var type: String {
        switch self {
        case .created: "customer_created"
        case .updated: "customer_updated"
        case .dialingSwitched: "customer_dialing_switched"
        case .webhookSecretMade: "customer_webhook_secret_made"
        }
    }

    package var json: JSONValue {
        switch self {
        case .created(let id, let profile):
            var object: JSONObject = ["id": .id(id)]
            for member in profile.members.members { object.append(member.name, member.value) }
            return .object(object)
        case .updated(let profile): return .object(profile.members)
        case .dialingSwitched(let isEnabled): return ["enabled": .bool(isEnabled)]
        case .webhookSecretMade(let secret): return ["secret": .string(secret)]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "customer_created":
            self = .created(id: try json.requireID("id"), profile: try Customer.Profile(json: json))
        case "customer_updated": self = .updated(profile: try Customer.Profile(json: json))
        case "customer_webhook_secret_made": self = .webhookSecretMade(secret: try json.requireString("secret"))
        case "customer_dialing_switched": self = .dialingSwitched(isEnabled: try json.requireBool("enabled"))
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
