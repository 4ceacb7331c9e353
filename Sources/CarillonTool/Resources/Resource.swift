/// One kind of object of the public API, as the commands for it need to know it.
struct Resource: Sendable {
    /// A column of a list.
    struct Column: Sendable {
        /// The member of the object; `progress.done` is a member of a member.
        var name: String
        /// What stands above it.
        var title: String
        /// Numbers stand at the right.
        var isNumber = false
        /// Never cut, however narrow the terminal is.
        var isWhole = false
    }

    /// A field that `create` and `set` take as an option: `max_concurrent` is `--max-concurrent`.
    struct Field: Sendable {
        enum Kind: Sendable {
            case text
            /// A number, or any other JSON.
            case json
            /// Texts with commas between them.
            case list
        }

        var name: String
        var kind = Kind.text
        var help: String

        var option: String { Resource.option(name) }
    }

    enum Verb: String, Sendable, CaseIterable {
        case list, get, create, set, delete
    }

    /// What the command is called.
    var name: String
    /// What it is, in a sentence about `name`.
    var abstract: String
    var verbs = Verb.allCases
    /// The path of the list; `{}` is the id of what it belongs to.
    var path: String
    /// The option that names what it belongs to.
    var parent: String?
    /// The path of the one object that needs no id, such as the own customer.
    var ownPath: String?
    var columns: [Column]
    var fields: [Field] = []
    /// Fields of the object that `set` cannot change, each with the command that does.
    var elsewhere: [String: String] = [:]
    /// The query parameters of the list; `campaign_id` is `--campaign-id`.
    var filters: [String] = []
    /// An example for each verb, without the program's name.
    var examples: [Verb: String]

    static func option(_ name: String) -> String { "--" + name.replacing("_", with: "-") }
}

/// Ties a ``Resource`` to the types of its commands.
protocol ResourceKind: Sendable {
    static var resource: Resource { get }
}
