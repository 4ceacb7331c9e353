package import Contracts

/// The variables of a run, and `${name}` in texts.
///
/// | name | value |
/// |---|---|
/// | `name`, `detail`, `data` | of the target |
/// | any other plain name | the column of the import, or what `variable_set` put there |
/// | `voipbin.campaign.id`, `.name` | the campaign |
/// | `voipbin.campaigncall.id`, `voipbin.activeflow.id` | this attempt, and the run of its flow |
/// | `voipbin.target.id`, `voipbin.outdial.id`, `voipbin.queue.id` | whom it reaches, of which list, for which queue |
/// | `voipbin.call.id`, `.direction`, `.digits` | the call; the keys that `digits_receive` collected last |
/// | `voipbin.call.source`, `.destination` | the numbers; `.source.target`, `.source.name`, … too |
/// | `voipbin.amd.result` | `human` or `machine`, after an `amd` |
/// | `voipbin.connect.result`, `voipbin.webhook.status`, `voipbin.fetch.status` | how the last one went |
///
/// A name that is not known stands for the empty text. Values are put in once: what they hold is not looked at again.
package struct FlowVariables: Hashable, Sendable {
    package private(set) var values: [String: String]
    /// Those that were set since ``takeChanges()``.
    private var changed: Set<String> = []

    package init(_ values: [String: String] = [:]) { self.values = values }

    /// The keys pressed last.
    package static let digits = "voipbin.call.digits"
    package static let machine = "voipbin.amd.result"
    /// Set to `true` or to a number: that number (the dialed one) is not to be called any more.
    package static let optOut = "carillon.opt_out"

    package subscript(name: String) -> String { values[name] ?? "" }

    /// Sets `name`; false when there are too many variables already. A value that is too long is cut.
    @discardableResult
    package mutating func set(_ name: String, _ value: String) -> Bool {
        guard !name.isEmpty, values[name] != nil || values.count < FlowLimits.variables else { return false }
        values[name] = FlowVariables.cut(value)
        changed.insert(name)
        return true
    }

    /// What was set since it was last asked, by name.
    package mutating func takeChanges() -> [String: String] {
        guard !changed.isEmpty else { return [:] }
        defer { changed = [] }
        return values.filter { changed.contains($0.key) }
    }

    /// The value that an option `variable` names: by its plain name, or as a text with `${…}`.
    package func named(_ text: String) -> String { text.contains("${") ? fill(text) : self[text] }

    /// `text` with the values put in.
    package func fill(_ text: String) -> String {
        guard text.contains("${") else { return text }
        var filled = ""
        var rest = Substring(text)
        while let open = rest.firstRange(ofDollarBrace: ()) {
            filled += rest[..<open.lowerBound]
            let body = rest[open.upperBound...]
            guard let close = body.firstIndex(of: "}") else {
                rest = rest[open.lowerBound...]
                break
            }
            filled += self[String(FlowVariables.trimmed(body[..<close]))]
            rest = body[body.index(after: close)...]
            if filled.utf8.count >= FlowLimits.textBytes { return FlowVariables.cut(filled) }
        }
        return FlowVariables.cut(filled + rest)
    }

    /// Every text inside of `json` with the values put in; names of members are left.
    package func fill(_ json: JSONValue) -> JSONValue {
        switch json {
        case .string(let text): return .string(fill(text))
        case .array(let values): return .array(values.map(fill))
        case .object(let object):
            var filled = JSONObject()
            for member in object.members { filled.append(member.name, fill(member.value)) }
            return .object(filled)
        default: return json
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > FlowLimits.textBytes else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: FlowLimits.textBytes)
        while end > text.startIndex, end.samePosition(in: text) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}

extension Substring {
    /// Where the next `${` is.
    fileprivate func firstRange(ofDollarBrace: Void) -> Range<Index>? {
        var index = startIndex
        while let dollar = self[index...].firstIndex(of: "$") {
            let after = self.index(after: dollar)
            if after < endIndex, self[after] == "{" { return dollar..<self.index(after: after) }
            index = after
        }
        return nil
    }
}
