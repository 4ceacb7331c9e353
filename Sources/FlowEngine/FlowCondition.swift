import Contracts

/// Whether the condition of an action holds.
enum FlowCondition {
    static func holds(_ action: FlowAction, _ variables: FlowVariables, at now: Timestamp) -> Bool {
        let option = action.option
        switch action.type {
        case "condition_variable": return variable(option, variables)
        case "condition_datetime": return datetime(option, now)
        case "condition_call_digits":
            let digits = variables[FlowVariables.digits]
            let length = option["length"].integer ?? 0
            let key = option["key"].string ?? ""
            if !key.isEmpty, digits.contains(where: { key.contains($0) }) { return true }
            return length > 0 ? digits.count >= length : key.isEmpty && !digits.isEmpty
        case "condition_call_status": return option["status"].string == "progressing"
        default: return false
        }
    }

    private static func variable(_ option: JSONValue, _ variables: FlowVariables) -> Bool {
        let word = option["condition"].string ?? "=="
        let value = variables.named(option["variable"].string ?? "")
        switch option["value_type"].string {
        case "number":
            guard let number = Double(value), let other = option["value_number"].double else { return word == "!=" }
            return compare(number, other, word)
        case "length": return compare(Int64(value.count), option["value_length"].integer ?? 0, word)
        default: return compare(value, variables.fill(option["value_string"].string ?? ""), word)
        }
    }

    /// Each field that is given is compared for itself, and all have to hold; -1, and 0 for day and month, are not given.
    private static func datetime(_ option: JSONValue, _ now: Timestamp) -> Bool {
        let moment = CalendarMoment(now)
        let word = option["condition"].string ?? "=="
        if let weekdays = option["weekdays"].array, !weekdays.isEmpty,
            !weekdays.contains(where: { $0.integer == moment.weekday })
        {
            return false
        }
        let fields: [(name: String, value: Int64, first: Int64)] = [
            ("minute", moment.minute, 0), ("hour", moment.hour, 0), ("day", moment.day, 1), ("month", moment.month, 1),
        ]
        return fields.allSatisfy { field in
            guard let wanted = option[field.name].integer, wanted >= field.first else { return true }
            return compare(field.value, wanted, word)
        }
    }

    private static func compare<Value: Comparable>(_ left: Value, _ right: Value, _ word: String) -> Bool {
        switch word {
        case "!=": left != right
        case ">": left > right
        case ">=": left >= right
        case "<": left < right
        case "<=": left <= right
        default: left == right
        }
    }
}

/// The parts of a moment in UTC; weekdays count from 0, Sunday.
struct CalendarMoment: Hashable {
    var minute: Int64
    var hour: Int64
    var day: Int64
    var month: Int64
    var weekday: Int64

    init(_ time: Timestamp) {
        let seconds = time.microseconds >= 0 ? time.microseconds / 1_000_000 : (time.microseconds - 999_999) / 1_000_000
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let rest = seconds - days * 86_400
        hour = rest / 3600
        minute = rest / 60 % 60
        weekday = ((days + 4) % 7 + 7) % 7
        // Howard Hinnant's civil_from_days: years begin in March, so that a leap day is a year's last.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let year = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let part = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * part + 2) / 5 + 1
        month = part < 10 ? part + 3 : part - 9
    }
}
