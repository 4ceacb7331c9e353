import ArgumentParser
import Contracts

/// What stands behind a verb and is no option of all commands: ids, `--field value`, `field=value`, in any order.
struct ResourceWords: Hashable {
    /// Words that are neither.
    var ids: [String] = []
    /// By the field's or filter's own name: `max_concurrent`, not `--max-concurrent`.
    var options: [String: String] = [:]
    /// `field=value`, in their order.
    var pairs: [(name: String, value: String)] { storedPairs.map { ($0.name, $0.value) } }
    private var storedPairs: [Pair] = []

    private struct Pair: Hashable {
        var name: String
        var value: String
    }

    /// - Parameters:
    ///   - names: what may stand behind `--`.
    ///   - takesPairs: whether `field=value` has a meaning.
    init(_ words: [String], options names: [String], takesPairs: Bool) throws {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word.hasPrefix("--") {
                let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let name = String(parts[0].replacing("-", with: "_"))
                guard names.contains(name) else {
                    let known = names.map(Resource.option).sorted().joined(separator: " ")
                    throw ValidationError("unknown option \(Resource.option(name)); there are \(known)")
                }
                guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
                    throw ValidationError("\(Resource.option(name)) needs a value")
                }
                guard options.updateValue(value, forKey: name) == nil else {
                    throw ValidationError("\(Resource.option(name)) is there twice")
                }
            } else if takesPairs, let equals = word.firstIndex(of: "="), equals > word.startIndex {
                storedPairs.append(
                    Pair(name: String(word[..<equals]), value: String(word[word.index(after: equals)...]))
                )
            } else {
                ids.append(word)
            }
        }
    }

    /// The one id that has to be there; with `isOptional` nil when there is none.
    func id(isOptional: Bool = false) throws -> String? {
        guard ids.count <= 1 else { throw ValidationError("one id is enough, and '\(ids[1])' is too much") }
        guard let id = ids.first else {
            guard isOptional else { throw ValidationError("the id is missing") }
            return nil
        }
        guard ID(id) != nil else { throw ValidationError("the id must be a UUID, and is '\(id)'") }
        return id
    }
}

extension Resource {
    /// The path of the list, with the id of what it belongs to.
    func listPath(_ words: ResourceWords) throws -> String {
        guard let parent else { return path }
        guard let id = words.options[parent] else { throw ValidationError("\(Resource.option(parent)) ID is missing") }
        guard ID(id) != nil else { throw ValidationError("\(Resource.option(parent)) must be a UUID, and is '\(id)'") }
        return path.replacing("{}", with: id)
    }

    /// The path of one object.
    func objectPath(_ words: ResourceWords) throws -> String {
        guard let id = try words.id(isOptional: ownPath != nil) else { return ownPath ?? path }
        return try listPath(words) + "/" + id
    }

    private var parents: [String] { parent.map { [$0] } ?? [] }

    func filterWords(_ words: [String]) throws -> ResourceWords {
        let parsed = try ResourceWords(words, options: filters + parents, takesPairs: false)
        guard parsed.ids.isEmpty else { throw ValidationError("'\(parsed.ids[0])' is not a filter") }
        _ = try listPath(parsed)
        return parsed
    }

    func idWords(_ words: [String]) throws -> ResourceWords {
        let parsed = try ResourceWords(words, options: parents, takesPairs: false)
        _ = try objectPath(parsed)
        return parsed
    }

    func bodyWords(_ words: [String], isNew: Bool) throws -> ResourceWords {
        let parsed = try ResourceWords(words, options: fields.map(\.name) + parents, takesPairs: true)
        if isNew {
            guard parsed.ids.isEmpty else {
                throw ValidationError("'\(parsed.ids[0])' is neither --field nor field=value")
            }
            _ = try listPath(parsed)
        } else {
            _ = try objectPath(parsed)
        }
        return parsed
    }

    /// The document to send: `base` with the options and then the pairs put in.
    func body(_ words: ResourceWords, over base: JSONValue = [:]) -> JSONValue {
        var object = base.object ?? [:]
        for field in fields {
            guard let text = words.options[field.name] else { continue }
            object[field.name] =
                switch field.kind {
                case .text: .string(text)
                case .json: Resource.value(text)
                case .list: .array(text.split(separator: ",").map { .string(String($0)) })
                }
        }
        for (name, text) in words.pairs { object[name] = Resource.value(text) }
        return .object(object)
    }

    /// JSON when it is JSON, else the text itself.
    static func value(_ text: String) -> JSONValue {
        (try? JSONValue(parsing: Array(text.utf8))) ?? .string(text)
    }
}
