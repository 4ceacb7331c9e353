package import Contracts

extension Target {
    /// Why it waits although it would be its turn.
    package struct Deferral: Hashable, Sendable {
        package enum Reason: String, Sendable, CaseIterable {
            /// Where it is, it is no time to call.
            case outsideWindow = "outside_window"
            /// Another attempt of the customer has a call to the same number, or may have one, as far as anybody knows.
            case numberBusy = "number_busy"
            /// The number was called a short while ago.
            case numberRecent = "number_recent"
        }

        package var reason: Reason
        /// Not before this moment; nil: until the attempt `by` ends.
        package var until: Timestamp?
        /// With `outside_window`: the zone that decides.
        package var zone: String
        /// With `number_busy`: the attempt; none when nobody knows how a call to the number went on.
        package var by: ID
        /// With `number_busy`: what the two share, as ``DialedNumber/key(of:)`` writes it.
        package var number: String

        package init(reason: Reason, until: Timestamp?, zone: String = "", by: ID = .none, number: String = "") {
            self.reason = reason
            self.until = until
            self.zone = zone
            self.by = by
            self.number = number
        }
    }

    /// The end of the latest call to one number.
    package struct PastCall: Hashable, Sendable {
        package var number: String
        package var endedAt: Timestamp

        package init(number: String, endedAt: Timestamp) {
            self.number = number
            self.endedAt = endedAt
        }
    }
}

extension Target {
    /// The number that it waits for; nil for one that does not.
    package var blockedNumber: String? {
        guard isSelectable, let deferral, deferral.reason == .numberBusy, !deferral.number.isEmpty else {
            return nil
        }
        return deferral.number
    }

    /// The latest calls as JSON, an object of moments by number; nil when there was none.
    package var pastCallsText: String? { pastCalls.isEmpty ? nil : PastCall.json(pastCalls).text }
}

extension Timestamp {
    /// Later than everything: the due time of a target that waits for another attempt.
    package static let endOfTime = Timestamp(microseconds: .max)
}

extension Target.Deferral {
    package var json: JSONValue {
        var object: JSONObject = ["reason": .string(reason.rawValue)]
        if let until { object.append("until", .time(until)) }
        if !zone.isEmpty { object.append("zone", .string(zone)) }
        if !by.isNone { object.append("by", .id(by)) }
        if !number.isEmpty { object.append("number", .string(number)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let reason = Reason(rawValue: try json.requireString("reason")) else {
            throw JSONError("reason is not known to this version")
        }
        self.init(
            reason: reason,
            until: json.optionalTime("until"),
            zone: json["zone"].string ?? "",
            by: json["by"].id ?? .none,
            number: json["number"].string ?? ""
        )
    }
}

extension Target.PastCall {
    static func json(_ calls: [Target.PastCall]) -> JSONValue {
        var object = JSONObject()
        for call in calls { object.append(call.number, .time(call.endedAt)) }
        return .object(object)
    }

    static func list(_ json: JSONValue) -> [Target.PastCall] {
        (json.object?.members ?? []).compactMap { member in
            member.value.integer.map {
                Target.PastCall(number: member.name, endedAt: Timestamp(microseconds: $0))
            }
        }
    }
}
