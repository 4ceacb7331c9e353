/// A JSON document as a tree. Members keep their order, so that what we write is canonical: one value, one text.
///
/// Ours rather than Foundation's because the log and the bus pass hundreds of thousands of small documents a second.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// The member `name` of an object; null when it is absent or this is no object.
    package subscript(name: String) -> JSONValue {
        if case .object(let object) = self { object[name] } else { .null }
    }

    package var isNull: Bool { self == .null }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// A whole number, also when it was written as `5.0`.
    package var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }

    package var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    package var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The id that a string holds; nil for anything else.
    package var id: ID? {
        string.flatMap { ID($0) }
    }

    package static func id(_ id: ID) -> JSONValue { .string(id.description) }
    package static func optional(_ id: ID?) -> JSONValue { id.map { .string($0.description) } ?? .null }
    package static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    package static func optional(_ time: Timestamp?) -> JSONValue { time.map { .integer($0.microseconds) } ?? .null }

    /// A moment as microseconds, the form in our logs and messages (public answers use ``TimeFormat``).
    package static func time(_ time: Timestamp) -> JSONValue { .integer(time.microseconds) }
    package static func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }
}

/// The members of a JSON object in their order.
package struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    package struct Member: Hashable, Sendable {
        package var name: String
        package var value: JSONValue
    }

    package private(set) var members: [Member]

    package init() { members = [] }

    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = elements.map { Member(name: $0.0, value: $0.1) }
    }

    /// The value of `name`; null when it is absent. Setting replaces it in place or appends it.
    package subscript(name: String) -> JSONValue {
        get { members.first { $0.name == name }?.value ?? .null }
        set {
            if let index = members.firstIndex(where: { $0.name == name }) {
                members[index].value = newValue
            } else {
                members.append(Member(name: name, value: newValue))
            }
        }
    }

    package func contains(_ name: String) -> Bool { members.contains { $0.name == name } }

    package mutating func remove(_ name: String) { members.removeAll { $0.name == name } }

    /// Adds a member without looking for an earlier one of that name; for writers that know their names.
    package mutating func append(_ name: String, _ value: JSONValue) {
        members.append(Member(name: name, value: value))
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (name, value) in elements { object.append(name, value) }
        self = .object(object)
    }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}
