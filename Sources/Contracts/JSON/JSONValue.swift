/// A JSON document as a tree. Members keep their order, so that what we write is canonical: one value, one text.
///
/// Ours rather than Foundation's because the log and the bus pass hundreds of thousands of small documents a second.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    /// A string that is the canonical text of an id: half of all strings in our logs and messages, and cheaper so.
    case uuid(ID)
    case array([JSONValue])
    case object(JSONObject)

    /// The member `name` of an object; null when it is absent or this is no object.
    package subscript(name: String) -> JSONValue {
        if case .object(let object) = self { object[name] } else { .null }
    }

    package var isNull: Bool { self == .null }

    package var string: String? {
        switch self {
        case .string(let value): value
        case .uuid(let id): id.description
        default: nil
        }
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
        switch self {
        case .uuid(let id): id
        case .string(let text): ID(text)
        default: nil
        }
    }

    package static func id(_ id: ID) -> JSONValue { .uuid(id) }
    package static func optional(_ id: ID?) -> JSONValue { id.map { .uuid($0) } ?? .null }
    package static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    package static func optional(_ time: Timestamp?) -> JSONValue { time.map { .integer($0.microseconds) } ?? .null }

    /// A moment as microseconds, the form in our logs and messages (public answers use ``TimeFormat``).
    package static func time(_ time: Timestamp) -> JSONValue { .integer(time.microseconds) }
    package static func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }
}

extension JSONValue: Hashable {
    /// A string is equal to a string, however it is kept.
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.uuid(let left), .uuid(let right)): left == right
        case (.string(let left), .string(let right)): left == right
        case (.string(let text), .uuid(let id)), (.uuid(let id), .string(let text)): text == id.description
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: break
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .double(let value): hasher.combine(value)
        case .string, .uuid: hasher.combine(string)
        case .array(let values): hasher.combine(values)
        case .object(let object): hasher.combine(object)
        }
    }
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

    /// Makes room for `count` members at once.
    package mutating func reserveCapacity(_ count: Int) { members.reserveCapacity(count) }

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
