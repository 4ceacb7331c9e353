package import Contracts

/// What is secret in a log: members that may never leave it.
package enum Secrets {
    private static let names: Set<String> = ["password_hash", "token_hash", "password", "token", "secret"]

    /// The paths of members of `json` whose names say that they are secret, and of texts that hold one of `values`.
    package static func found(in json: JSONValue, values: [String] = [], at path: String = "") -> [String] {
        switch json {
        case .object(let object):
            object.members.flatMap { member in
                let inner = "\(path)/\(member.name)"
                return (names.contains(member.name) ? [inner] : []) + found(in: member.value, values: values, at: inner)
            }
        case .array(let elements):
            elements.enumerated().flatMap { found(in: $0.element, values: values, at: "\(path)/\($0.offset)") }
        case .string(let text): values.contains { text.contains($0) } ? [path] : []
        default: []
        }
    }
}
