import Contracts

/// Writes managers' answers in the form of the public API: times as text.
struct PublicForm: Sendable {
    let timeFormat: TimeFormat

    /// What a customer wrote, or reads back as it was stored: never ours to change.
    private static let verbatim: Set<String> = ["actions", "option", "variables", "data"]

    /// The times beside those that begin with `tm_`; null stays null.
    private static let otherTimes: Set<String> = ["next_try_at", "waiting_until", "later_until", "wrap_up_until"]

    /// The value with every time in it, however deep, as text.
    func value(_ json: JSONValue) -> JSONValue {
        switch json {
        case .array(let values): .array(values.map(value))
        case .object(let object): .object(publicObject(object))
        default: json
        }
    }

    private func publicObject(_ object: JSONObject) -> JSONObject {
        var result = JSONObject()
        for member in object.members {
            result.append(member.name, publicMember(member.name, member.value))
        }
        return result
    }

    private func publicMember(_ name: String, _ json: JSONValue) -> JSONValue {
        if PublicForm.verbatim.contains(name) { return json }
        if name == "next_page_token" { return .string(json.integer.map(text) ?? json.string ?? "") }
        guard name.hasPrefix("tm_") || PublicForm.otherTimes.contains(name) else { return value(json) }
        switch json {
        case .integer(let microseconds): return .string(text(microseconds))
        case .null: return name.hasPrefix("tm_") ? never : .null
        default: return value(json)
        }
    }

    func text(_ microseconds: Int64) -> String {
        let time = Timestamp(microseconds: microseconds)
        return timeFormat == .documented ? time.documented : time.rfc3339
    }

    private var never: JSONValue { timeFormat == .documented ? .string(Timestamp.never.documented) : .null }
}
