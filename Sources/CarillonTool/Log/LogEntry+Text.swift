import Contracts
import EventLog

extension LogEntry {
    /// One line for a person, in columns.
    func line(_ style: LogStyle, showsCause: Bool = true) -> String {
        let place = LogEntry.padded(position, 26)
        let time = style.time(event.recordedAt)
        let type = LogEntry.padded(event.type, 30)
        let because = showsCause ? event.causation.map { " <- \($0)" } ?? "" : ""
        let subject = LogEntry.padded(LogEntry.shortStream(event.stream), 24)
        return Style.dim.apply(place, style.hasColor) + " " + time + " " + Style.cyan.apply(type, style.hasColor) + " "
            + subject
            + " " + gist(style) + Style.dim.apply(because, style.hasColor)
    }

    /// The event as one JSON document.
    func json(isMasked: Bool) -> JSONValue {
        [
            "position": .string(position), "time": .string(event.recordedAt.rfc3339), "stream": .string(event.stream),
            "version": .integer(event.version), "type": .string(event.type), "event_id": .id(event.id),
            "correlation_id": .id(event.correlation), "causation_id": .optional(event.causation),
            "actor": .string(event.actor), "data": isMasked ? Masking.apply(data) : data,
        ]
    }

    /// What the data says, shortened: `name=value` of the members that are not ids of the event's own stream.
    func gist(_ style: LogStyle) -> String {
        guard event.data != nil else { return "(erased)" }
        var parts: [String] = []
        LogEntry.collect(style.isMasked ? Masking.apply(data) : data, stream: event.stream, style, into: &parts)
        let text = parts.joined(separator: " ")
        return text.count > 160 ? text.prefix(157) + "..." : text
    }

    private static func collect(_ json: JSONValue, stream: String, _ style: LogStyle, into parts: inout [String]) {
        for member in json.object?.members ?? [] where !isContext(member.name) {
            switch member.value {
            case .null, .array: continue
            case .object(let object):
                if let target = object["target"].string {
                    parts.append("\(member.name)=\(target)")
                } else {
                    collect(member.value, stream: stream, style, into: &parts)
                }
            case .string, .uuid:
                let text = member.value.string ?? ""
                guard !text.isEmpty, !stream.hasSuffix(text), text != ID.none.description else { continue }
                parts.append("\(member.name)=\(ID(text) == nil ? text : shortID(text))")
            default:
                let moment = member.value.integer.flatMap { $0 > 1_000_000_000_000_000 ? $0 : nil }
                let text = moment.map { style.clock(Timestamp(microseconds: $0)) } ?? member.value.text
                parts.append("\(member.name)=\(text)")
            }
        }
    }

    /// Members that say what the event belongs to, which its stream or its neighbours say as well.
    private static func isContext(_ name: String) -> Bool {
        ["customer_id", "request_id", "outdial_id", "outplan_id", "correlation_id", "item_id", "run"].contains(name)
    }

    /// The end of an id: the beginning of ours is their time, and alike.
    static func shortID(_ text: String) -> String { ".." + text.suffix(12) }

    static func shortStream(_ stream: String) -> String {
        guard stream.count > 36, ID(stream.suffix(36)) != nil else { return stream }
        return stream.dropLast(36) + ".." + stream.suffix(8)
    }

    static func padded(_ text: String, _ width: Int) -> String {
        text.count >= width ? text : text + String(repeating: " ", count: width - text.count)
    }
}

/// Hides what identifies people: numbers and addresses down to their last four characters, names and passwords wholly.
enum Masking {
    private static let addresses: Set<String> = ["target", "number", "phone_number", "email"]
    private static let hidden: Set<String> = ["target_name", "token_hash", "password_hash", "secret", "webhook_secret"]

    static func apply(_ json: JSONValue) -> JSONValue {
        switch json {
        case .array(let values): .array(values.map(apply))
        case .object(let object): .object(masked(object))
        default: json
        }
    }

    private static func masked(_ object: JSONObject) -> JSONObject {
        var result = JSONObject()
        for member in object.members {
            if let text = member.value.string, !text.isEmpty {
                if addresses.contains(member.name) {
                    result.append(member.name, .string(Address.masked(text)))
                    continue
                }
                if hidden.contains(member.name) {
                    result.append(member.name, "***")
                    continue
                }
            }
            result.append(member.name, apply(member.value))
        }
        return result
    }
}
