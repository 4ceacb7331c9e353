import Contracts
import Yams

/// An OpenAPI document as a tree, with its references followed.
struct OpenAPIDocument: Sendable {
    /// One operation with where it is found.
    struct Operation: Sendable {
        var method: String
        var path: String
        var json: JSONValue
        /// Those of the path first, then its own.
        var parameters: [JSONValue]
    }

    let json: JSONValue

    /// A text that is no YAML is an empty document: the page says nothing then, and the service goes on.
    init(yaml: String) {
        let node = try? Yams.compose(yaml: yaml)
        json = node.map { JSONValue($0) } ?? [:]
    }

    var title: String { json["info"]["title"].string ?? "API" }
    var version: String { json["info"]["version"].text(or: "") }
    var summary: String { json["info"]["description"].string ?? "" }

    /// The names of the tags in their order; those that the document does not list come last.
    var tags: [(name: String, description: String)] {
        let listed = (json["tags"].array ?? []).compactMap { tag in
            tag["name"].string.map { ($0, tag["description"].string ?? "") }
        }
        var tags = listed
        for operation in operations where !tags.contains(where: { $0.0 == operation.tag }) {
            tags.append((operation.tag, ""))
        }
        return tags.filter { tag in operations.contains { $0.tag == tag.0 } }.map { (name: $0.0, description: $0.1) }
    }

    var operations: [Operation] {
        let methods = ["get", "post", "put", "patch", "delete"]
        return (json["paths"].object?.members ?? []).flatMap { path in
            methods.compactMap { method in
                let operation = path.value[method]
                guard operation.object != nil else { return nil }
                let parameters = (path.value["parameters"].array ?? []) + (operation["parameters"].array ?? [])
                return Operation(
                    method: method.uppercased(),
                    path: path.name,
                    json: operation,
                    parameters: parameters.map(resolved)
                )
            }
        }
    }

    var schemas: [JSONObject.Member] { json["components"]["schemas"].object?.members ?? [] }

    /// What a reference of this document leads to; anything else is itself.
    func resolved(_ value: JSONValue) -> JSONValue {
        var value = value
        // A circle of references would have no end.
        for _ in 0..<8 {
            guard let reference = value["$ref"].string else { return value }
            guard reference.hasPrefix("#/") else { return [:] }
            value = reference.dropFirst(2).split(separator: "/").reduce(json) { found, name in
                found[String(name).replacing("~1", with: "/").replacing("~0", with: "~")]
            }
        }
        return value
    }

    /// The name of the schema that a reference names.
    static func schemaName(_ value: JSONValue) -> String? {
        let prefix = "#/components/schemas/"
        guard let reference = value["$ref"].string, reference.hasPrefix(prefix) else { return nil }
        return String(reference.dropFirst(prefix.count))
    }
}

extension OpenAPIDocument.Operation {
    var tag: String { json["tags"].array?.first?.string ?? "Other" }

    /// A name that is stable as long as the operation is.
    var anchor: String {
        let words = "\(method)\(path)".lowercased().split { !$0.isLetter && !$0.isNumber }
        return words.joined(separator: "-")
    }
}

extension JSONValue {
    /// The value as plain text: a string without quotes, anything else as JSON.
    func text(or fallback: String) -> String { isNull ? fallback : string ?? text }

    init(_ node: Node) {
        switch node {
        case .mapping(let mapping):
            var object = JSONObject()
            for (name, value) in mapping { object.append(name.string ?? "", JSONValue(value)) }
            self = .object(object)
        case .sequence(let sequence): self = .array(sequence.map { JSONValue($0) })
        case .scalar(let scalar):
            guard scalar.style == .plain || scalar.style == .any else {
                self = .string(scalar.string)
                return
            }
            self = JSONValue(plain: scalar.string)
        default: self = .null
        }
    }

    /// A scalar without quotes, by the rules of YAML 1.2's core schema.
    private init(plain text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .bool(true)
        case "false", "False", "FALSE": self = .bool(false)
        default:
            if let number = Int64(text) {
                self = .integer(number)
            } else if text.first.map({ $0.isNumber || $0 == "-" || $0 == "." }) == true, let number = Double(text) {
                self = .double(number)
            } else {
                self = .string(text)
            }
        }
    }
}
