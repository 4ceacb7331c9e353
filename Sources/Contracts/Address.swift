/// Where a call goes to or comes from: the public API's common address.
package struct Address: Hashable, Sendable {
    /// `tel`, `sip`, `email`, or another of the API's types.
    package var type: String
    package var target: String
    package var targetName: String
    package var name: String
    package var detail: String

    package static let types: Set<String> = [
        "", "agent", "ai", "ai_team", "conference", "email", "extension", "line", "sip", "tel", "webchat",
        "web_session", "whatsapp",
    ]

    package init(type: String, target: String, targetName: String = "", name: String = "", detail: String = "") {
        self.type = type
        self.target = target
        self.targetName = targetName
        self.name = name
        self.detail = detail
    }

    /// Reads an address of a request: an object, or its target alone as text.
    ///
    /// Null, `{}`, `""` and an object without a target are all "no address". A missing type is inferred: `+…` is tel,
    /// `sip:` is sip, `@` is email. Throws when the target cannot be one of its type; `field` is named in the refusal.
    package static func read(_ json: JSONValue, field: String) throws(Refusal) -> Address? {
        switch json {
        case .null: return nil
        case .string, .uuid: return try Address.make(type: "", target: json.string ?? "", field: field)
        case .object:
            for name in ["type", "target", "target_name", "name", "detail"] where json[name] != .null {
                guard json[name].string != nil else { throw .invalid("\(field).\(name)", "must be a string") }
            }
            let target = json["target"].string ?? ""
            guard var address = try make(type: json["type"].string ?? "", target: target, field: field) else {
                return nil
            }
            address.targetName = json["target_name"].string ?? ""
            address.name = json["name"].string ?? ""
            address.detail = json["detail"].string ?? ""
            return address
        default:
            throw .invalid(field, "must be an address object such as {\"type\":\"tel\",\"target\":\"+15551230000\"}")
        }
    }

    private static func make(type: String, target: String, field: String) throws(Refusal) -> Address? {
        guard !target.isEmpty else { return nil }
        let inferred = type.isEmpty ? inferredType(of: target) : type
        guard types.contains(inferred) else {
            throw .invalid(
                "\(field).type",
                "must be one of \(types.filter { !$0.isEmpty }.sorted().joined(separator: ", "))"
            )
        }
        if inferred == "tel", !isPossibleNumber(target) {
            throw .invalid(
                "\(field).target",
                "must be a phone number in E.164 form: + and 7 to 15 digits, such as +15551230000"
            )
        }
        guard !inferred.isEmpty else {
            throw .invalid("\(field).target", "must be a phone number such as +15551230000, a sip: or a mail address")
        }
        return Address(type: inferred, target: target)
    }

    private static func inferredType(of target: String) -> String {
        if target.hasPrefix("+") { return "tel" }
        if target.hasPrefix("sip:") || target.hasPrefix("sips:") { return "sip" }
        return target.contains("@") ? "email" : ""
    }

    /// Whether `number` can be dialed: `^\+[1-9][0-9]{6,14}$` (E.164).
    package static func isPossibleNumber(_ number: String) -> Bool {
        let bytes = Array(number.utf8)
        guard (8...16).contains(bytes.count), bytes[0] == UInt8(ascii: "+"), bytes[1] != UInt8(ascii: "0") else {
            return false
        }
        return bytes.dropFirst().allSatisfy { (48...57).contains($0) }
    }

    /// The target with all but its last four characters hidden, for logs and reports.
    package static func masked(_ target: String) -> String {
        target.count <= 4 ? target : "..." + target.suffix(4)
    }
}

extension Address {
    /// The public form: all five members, always present.
    package var json: JSONValue {
        [
            "type": .string(type), "target": .string(target), "target_name": .string(targetName),
            "name": .string(name), "detail": .string(detail),
        ]
    }

    /// Reads the stored form; null is nil.
    package static func stored(_ json: JSONValue) throws(JSONError) -> Address? {
        guard !json.isNull else { return nil }
        return Address(
            type: try json.requireString("type"),
            target: try json.requireString("target"),
            targetName: json["target_name"].string ?? "",
            name: json["name"].string ?? "",
            detail: json["detail"].string ?? ""
        )
    }

    package static func optional(_ address: Address?) -> JSONValue { address?.json ?? .null }
}
