package import Contracts

/// What happens to an attempt, as the journal keeps it and as the publisher reads it.
package enum AttemptEvent: DomainEvent, Hashable {
    /// The attempt is this journal's to place. `item` carried the command.
    case claimed(DialCommand, correlation: ID, item: ID)
    /// It was not placed and never will be.
    case refused(attempt: ID, reason: String)
    case dialing(CallSubject)
    case ringing(CallSubject)
    /// Somebody, or something, answered.
    case progressing(CallSubject)
    case digits(CallSubject, digits: String)
    case hangup(CallSubject, reason: String, by: String)
    /// campaign-manager asked what became of it, and this is the answer.
    case settled(Settlement)
    /// What its flow did. Changes nothing about the call.
    case flow(FlowNote)

    package var type: String {
        switch self {
        case .claimed: "attempt_claimed"
        case .refused: "attempt_refused"
        case .dialing: "call_dialing"
        case .ringing: "call_ringing"
        case .progressing: "call_progressing"
        case .digits: "call_digits"
        case .hangup: "call_hangup"
        case .settled: "attempt_settled"
        case .flow(let note): note.type
        }
    }

    package var json: JSONValue {
        switch self {
        case .claimed(let command, let correlation, let item):
            return ["command": command.json, "correlation_id": .id(correlation), "item_id": .id(item)]
        case .refused(let attempt, let reason): return ["attempt_id": .id(attempt), "reason": .string(reason)]
        case .dialing(let subject), .ringing(let subject), .progressing(let subject): return .object(subject.members)
        case .digits(let subject, let digits):
            var members = subject.members
            members.append("digits", .string(digits))
            return .object(members)
        case .hangup(let subject, let reason, let by):
            var members = subject.members
            members.append("hangup_reason", .string(reason))
            members.append("hangup_by", .string(by))
            return .object(members)
        case .settled(let settlement): return settlement.json
        case .flow(let note): return note.json
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == Self.currentSchema else { throw JSONError("schema \(schema) of \(type) is not known") }
        switch type {
        case "attempt_claimed":
            self = .claimed(
                try DialCommand(json: json["command"]),
                correlation: try json.requireID("correlation_id"),
                item: try json.requireID("item_id")
            )
        case "attempt_refused":
            self = .refused(attempt: try json.requireID("attempt_id"), reason: try json.requireString("reason"))
        case "call_dialing": self = .dialing(try CallSubject(json: json))
        case "call_ringing": self = .ringing(try CallSubject(json: json))
        case "call_progressing": self = .progressing(try CallSubject(json: json))
        case "call_digits": self = .digits(try CallSubject(json: json), digits: try json.requireString("digits"))
        case "call_hangup":
            self = .hangup(
                try CallSubject(json: json),
                reason: try json.requireString("hangup_reason"),
                by: try json.requireString("hangup_by")
            )
        case "attempt_settled": self = .settled(try Settlement(json: json))
        default:
            guard let note = try FlowNote(type: type, json: json) else {
                throw JSONError("\(type) is not an event of an attempt")
            }
            self = .flow(note)
        }
    }
}

/// Which call an event is about: what its published form names.
package struct CallSubject: Hashable, Sendable {
    package var attempt: ID
    package var call: ID
    package var customer: ID

    package init(attempt: ID, call: ID, customer: ID) {
        self.attempt = attempt
        self.call = call
        self.customer = customer
    }

    fileprivate var members: JSONObject {
        ["attempt_id": .id(attempt), "call_id": .id(call), "customer_id": .id(customer)]
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            attempt: try json.requireID("attempt_id"),
            call: try json.requireID("call_id"),
            customer: try json.requireID("customer_id")
        )
    }
}

/// The answer to a settlement, with the end of the call when that is known, so that it can be told again.
package struct Settlement: Hashable, Sendable {
    package var attempt: ID
    package var state: Item.SettledState
    package var end: End?

    package struct End: Hashable, Sendable {
        package var subject: CallSubject
        package var reason: String
        package var by: String
        package var at: Timestamp

        package init(subject: CallSubject, reason: String, by: String, at: Timestamp) {
            self.subject = subject
            self.reason = reason
            self.by = by
            self.at = at
        }
    }

    package init(attempt: ID, state: Item.SettledState, end: End? = nil) {
        self.attempt = attempt
        self.state = state
        self.end = end
    }

    fileprivate var json: JSONValue {
        var members: JSONObject = ["attempt_id": .id(attempt), "state": .string(state.rawValue)]
        if let end {
            members.append("call_id", .id(end.subject.call))
            members.append("customer_id", .id(end.subject.customer))
            members.append("hangup_reason", .string(end.reason))
            members.append("hangup_by", .string(end.by))
            members.append("tm_hangup", .time(end.at))
        }
        return .object(members)
    }

    fileprivate init(json: JSONValue) throws(JSONError) {
        guard let state = Item.SettledState(rawValue: try json.requireString("state")) else {
            throw JSONError("state must be claimed or refused")
        }
        self.init(attempt: try json.requireID("attempt_id"), state: state)
        guard !json["call_id"].isNull else { return }
        end = End(
            subject: try CallSubject(json: json),
            reason: try json.requireString("hangup_reason"),
            by: try json.requireString("hangup_by"),
            at: try json.requireTime("tm_hangup")
        )
    }
}
