import Contracts
import EventLog
import OutdialDomain

/// Takes from events what tells of people: every text becomes a pseudonym unless it is known to tell nothing.
///
/// What stays: ids, times, counts, and the words of our own that a rule depends on (a status, a reason, a route). The
/// chain of what was changed is made anew.
struct EventMasking {
    private let pseudonyms: Pseudonyms
    /// Ids that are made of numbers, and what replaces them.
    private var ids: [ID: ID] = [:]

    init(_ pseudonyms: Pseudonyms) { self.pseudonyms = pseudonyms }

    /// Members that hold words of ours.
    private static let words: Set<String> = [
        "type", "status", "phase", "state", "kind", "outcome", "result", "reason", "result_reason", "hangup_reason",
        "hangup_by", "by", "end_reason", "next_status", "end_handle", "ring_method", "routing_method", "webhook_method",
        "method", "route", "engine", "worker_id", "version", "source", "publisher", "owner_type", "reference_type",
        "executed", "deferred", "answer",
    ]
    /// Members that hold times of day and names of zones.
    private static let clocks: Set<String> = ["from", "to", "default", "zone", "time_zone", "zones"]
    /// Members in which anybody may have put anything.
    private static let free: Set<String> = ["variables", "metadata", "option", "data", "configuration"]

    /// Learns which ids of do-not-call entries are made of numbers; before any event is masked.
    mutating func learn(_ event: RecordedEvent) {
        guard event.stream.hasPrefix("\(DNCNumber.category)-"), let id = event.aggregate else { return }
        let data = LogEntry(log: "", event: event).data
        guard let number = data["number"].string, let list = data["list_id"].id else { return }
        ids[id] = DNCNumber.id(of: pseudonyms.text(number), on: list)
    }

    /// The stream's name without a number in it.
    func stream(_ name: String) -> String {
        guard name.utf8.count > 37, let id = ID(name.suffix(36)), let other = ids[id] else { return name }
        return name.dropLast(36) + other.description
    }

    /// The event with pseudonyms, and the hashes of what it says now, behind the chain value `prior`.
    func apply(_ stored: StoredEvent, after prior: [UInt8]) -> StoredEvent {
        let event = stored.event
        let masked = RecordedEvent(
            position: event.position,
            stream: stream(event.stream),
            version: event.version,
            type: event.type,
            schema: event.schema,
            id: event.id,
            correlation: event.correlation,
            causation: event.causation,
            recordedAt: event.recordedAt,
            actor: event.actor,
            data: event.data.map { data($0, ofProcess: event.stream.hasPrefix("process-")) }
        )
        return StoredEvent(
            sealing: masked,
            salt: stored.salt == nil ? nil : pseudonyms.salt(of: event.id),
            dataHash: stored.dataHash,
            after: prior
        )
    }

    private func data(_ bytes: [UInt8], ofProcess isProcess: Bool) -> [UInt8] {
        guard let json = try? JSONValue(parsing: bytes) else {
            return JSONValue.string(pseudonyms.text(String(decoding: bytes, as: UTF8.self))).bytes
        }
        var masked = value(json, name: "", isFree: false)
        if isProcess, var object = masked.object {
            object["name"] = json["name"]
            masked = .object(object)
        }
        return masked.bytes
    }

    private func value(_ json: JSONValue, name: String, isFree: Bool) -> JSONValue {
        switch json {
        case .uuid(let id): return .uuid(ids[id] ?? id)
        case .string(let text): return .string(self.text(text, name: name, isFree: isFree))
        case .integer(let number): return isFree ? .integer(pseudonyms.integer(number)) : json
        case .array(let values): return .array(values.map { value($0, name: name, isFree: isFree) })
        case .object(let object):
            // An address keeps its type, wherever it is.
            let isAddress = object.contains("target") && object.contains("type")
            var result = JSONObject()
            for member in object.members {
                let isWithin = isFree && !isAddress || EventMasking.free.contains(member.name)
                result.append(
                    self.name(member.name, isFree: isFree),
                    value(member.value, name: member.name, isFree: isWithin)
                )
            }
            return .object(result)
        default: return json
        }
    }

    /// Names of variables are kept when they are ours.
    private func name(_ name: String, isFree: Bool) -> String {
        if ID(name) != nil { return name }
        let isOurs = name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 || $0 == 46 }
        return isOurs && !name.isEmpty && !Address.isPossibleNumber("+" + name) ? name : pseudonyms.text(name)
    }

    private func text(_ text: String, name: String, isFree: Bool) -> String {
        if !isFree {
            if EventMasking.words.contains(name), EventMasking.isWord(text) { return text }
            if EventMasking.clocks.contains(name), EventMasking.isClock(text) { return text }
            if name == "actor", text.utf8.allSatisfy({ $0 != 32 && $0 != 64 && $0 != 43 }) { return text }
        }
        return pseudonyms.text(text)
    }

    /// A word of ours is short, has no blanks, and is no number.
    private static func isWord(_ text: String) -> Bool {
        text.utf8.count <= 40
            && text.utf8.allSatisfy {
                (97...122).contains($0) || (65...90).contains($0) || (48...57).contains($0) || $0 == 95 || $0 == 45
                    || $0 == 46
            } && text.utf8.count { (48...57).contains($0) } < 6
    }

    private static func isClock(_ text: String) -> Bool {
        let isTime = text.utf8.allSatisfy { (48...58).contains($0) } && text.utf8.count <= 8 && text.contains(":")
        let isZone =
            text == "UTC" || text.contains("/") && !text.contains(where: { $0 == " " || $0 == "@" || $0 == ":" })
        return isTime || isZone || text == "target"
    }
}
