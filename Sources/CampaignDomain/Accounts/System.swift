package import Contracts

/// What holds for the whole installation: one row, which is there once somebody has changed something.
package struct System: Aggregate, Hashable {
    package static let category = "system"
    /// The id of the one row.
    package static let id = ID(high: 0, low: 1)

    /// While it is false nobody is dialed at all; calls under way go on.
    package var isDialingEnabled: Bool
    package var updatedAt: Timestamp?

    private init(isDialingEnabled: Bool, updatedAt: Timestamp?) {
        self.isDialingEnabled = isDialingEnabled
        self.updatedAt = updatedAt
    }

    /// What holds before anybody has changed anything.
    package static let initial = System(isDialingEnabled: true, updatedAt: nil)

    package static func evolve(_ state: inout System?, _ event: SystemEvent, at time: Timestamp) {
        switch event {
        case .dialingSwitched(let isEnabled): state = System(isDialingEnabled: isEnabled, updatedAt: time)
        }
    }

    /// Reads `{"enabled": bool}`.
    package func switchDialing(body: RequestBody) throws(Refusal) -> [SystemEvent] {
        let isEnabled = try body.dialingSwitch()
        return isEnabled == isDialingEnabled ? [] : [.dialingSwitched(isEnabled: isEnabled)]
    }

    /// The public object, times as microseconds; also the stored form.
    package var json: JSONValue { ["enabled": .bool(isDialingEnabled), "tm_update": .optional(updatedAt)] }

    package init(json: JSONValue) throws(JSONError) {
        self.init(isDialingEnabled: try json.requireBool("enabled"), updatedAt: json.optionalTime("tm_update"))
    }
}

/// What happens to the installation.
package enum SystemEvent: DomainEvent, Hashable {
    case dialingSwitched(isEnabled: Bool)

    package var type: String { "system_dialing_switched" }

    package var json: JSONValue {
        switch self {
        case .dialingSwitched(let isEnabled): ["enabled": .bool(isEnabled)]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard type == "system_dialing_switched", schema == 1 else {
            throw JSONError("event type \(type) with schema \(schema) is not known to this version")
        }
        self = .dialingSwitched(isEnabled: try json.requireBool("enabled"))
    }
}
