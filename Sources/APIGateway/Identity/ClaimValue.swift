import Contracts

/// A JSON value inside a token's claims, which are written and read by `Codable`.
struct ClaimValue: Codable, Sendable {
    var json: JSONValue

    init(_ json: JSONValue) { self.json = json }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            var object = JSONObject()
            for key in container.allKeys {
                object[key.stringValue] = try container.decode(ClaimValue.self, forKey: key).json
            }
            json = .object(object)
            return
        }
        if let values = try? decoder.singleValueContainer().decode([ClaimValue].self) {
            json = .array(values.map(\.json))
            return
        }
        json = try ClaimValue.scalar(try decoder.singleValueContainer())
    }

    private static func scalar(_ container: any SingleValueDecodingContainer) throws -> JSONValue {
        if container.decodeNil() { return .null }
        if let value = try? container.decode(Bool.self) { return .bool(value) }
        if let value = try? container.decode(Int64.self) { return .integer(value) }
        if let value = try? container.decode(Double.self) { return .double(value) }
        return .string(try container.decode(String.self))
    }

    func encode(to encoder: any Encoder) throws {
        switch json {
        case .object(let object):
            var container = encoder.container(keyedBy: Key.self)
            for member in object.members { try container.encode(ClaimValue(member.value), forKey: Key(member.name)) }
        case .array(let values):
            var container = encoder.unkeyedContainer()
            for value in values { try container.encode(ClaimValue(value)) }
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let value): try ClaimValue.encode(value, to: encoder)
        case .integer(let value): try ClaimValue.encode(value, to: encoder)
        case .double(let value): try ClaimValue.encode(value, to: encoder)
        case .string, .uuid: try ClaimValue.encode(json.string ?? "", to: encoder)
        }
    }

    private static func encode(_ value: some Encodable, to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
