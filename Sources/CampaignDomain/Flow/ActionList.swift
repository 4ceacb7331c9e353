package import Contracts

/// The actions of flows and campaigns, as a request gives them: checked one by one against the table of types.
package enum ActionList {
    /// The most actions in one document, those inside of others included.
    package static let limit = 1000
    /// The most actions in a list inside of an action.
    package static let innerLimit = 500
    /// How deep arrays and objects of an action may be nested.
    package static let depthLimit = 32

    /// The actions in the form that is stored and shown: `id`, `next_id`, `type`, `option`, with the ids as given and the
    /// nil UUID where none was. Null is no action.
    ///
    /// Throws 400 naming the place, such as `actions[3].option.queue_id`.
    package static func read(_ json: JSONValue) throws(Refusal) -> [JSONValue] {
        var reader = ActionReader()
        return try reader.list(json, at: "actions")
    }
}

/// Walks a list of actions, and the lists inside of it.
private struct ActionReader {
    private var count = 0

    mutating func list(_ json: JSONValue, at place: String) throws(Refusal) -> [JSONValue] {
        if json.isNull { return [] }
        guard let given = json.array else { throw .invalid(place, "must be an array") }
        let isInner = count > 0
        guard !isInner || given.count <= ActionList.innerLimit else {
            throw .invalid(place, "must be at most \(ActionList.innerLimit) actions, as it is inside of another")
        }
        count += given.count
        guard count <= ActionList.limit else {
            throw .invalid(place, "must be at most \(ActionList.limit) actions, those inside of others included")
        }
        let known = try ids(of: given, at: place)
        var actions: [JSONValue] = []
        actions.reserveCapacity(given.count)
        for (index, action) in given.enumerated() {
            actions.append(try self.action(action, at: "\(place)[\(index)]", known: known))
        }
        return actions
    }

    /// The ids that jumps may name: those given to the actions, each once, and the reserved ones.
    private func ids(of actions: [JSONValue], at place: String) throws(Refusal) -> Set<ID> {
        var known = Set((0...3).map { ID(high: 0, low: $0) })
        for (index, action) in actions.enumerated() {
            guard let id = try id(action["id"], at: "\(place)[\(index)].id"), !id.isNone else { continue }
            guard known.insert(id).inserted else {
                throw .invalid("\(place)[\(index)].id", "is the id of another action, or a reserved one: \(id)")
            }
        }
        return known
    }

    /// An id; absent, null and "" are nil.
    private func id(_ json: JSONValue, at place: String) throws(Refusal) -> ID? {
        if json.isNull || json.string?.isEmpty == true { return nil }
        guard let id = json.id else { throw .invalid(place, "must be a UUID") }
        return id
    }

    private mutating func action(
        _ json: JSONValue,
        at place: String,
        known: Set<ID>
    ) throws(Refusal) -> JSONValue {
        guard json.object != nil else { throw .invalid(place, "must be an object with a type") }
        guard let name = json["type"].string, !name.isEmpty else {
            throw .invalid("\(place).type", "must be the name of an action, such as talk")
        }
        guard let type = ActionType.all[name] else {
            throw .invalid("\(place).type", "must be a known type of action, not \"\(name)\"")
        }
        let option = json["option"].isNull ? [:] : json["option"]
        guard option.object != nil else { throw .invalid("\(place).option", "must be an object") }
        guard ActionReader.isShallow(option, levels: ActionList.depthLimit) else {
            throw .invalid("\(place).option", "must not be nested deeper than \(ActionList.depthLimit) levels")
        }
        try check(option, of: type, at: "\(place).option", known: known)
        let next = try id(json["next_id"], at: "\(place).next_id") ?? .none
        guard known.contains(next) else {
            throw .invalid("\(place).next_id", "must be the id of an action of the same list, not \(next)")
        }
        return [
            "id": .id(json["id"].id ?? .none), "next_id": .id(next), "type": .string(name), "option": option,
        ]
    }

    private static func isShallow(_ json: JSONValue, levels: Int) -> Bool {
        switch json {
        case .array(let values): levels > 0 && values.allSatisfy { isShallow($0, levels: levels - 1) }
        case .object(let object):
            levels > 0 && object.members.allSatisfy { isShallow($0.value, levels: levels - 1) }
        default: true
        }
    }

    private mutating func check(
        _ option: JSONValue,
        of type: ActionType,
        at place: String,
        known: Set<ID>
    ) throws(Refusal) {
        for expected in type.options {
            let value = option[expected.name]
            let place = "\(place).\(expected.name)"
            guard !value.isNull else {
                if expected.isRequired { throw .invalid(place, "is missing") }
                continue
            }
            try check(value, is: expected, at: place, known: known)
        }
        guard type.oneOf.isEmpty || type.oneOf.contains(where: { !option[$0].isNull }) else {
            throw .invalid(place, "must hold \(type.oneOf.joined(separator: " or "))")
        }
    }

    private mutating func check(
        _ value: JSONValue,
        is expected: ActionOption,
        at place: String,
        known: Set<ID>
    ) throws(Refusal) {
        switch expected.kind {
        case .text(let limit):
            guard let text = value.string else { throw .invalid(place, "must be a string") }
            guard !expected.isRequired || !text.isEmpty else { throw .invalid(place, "must not be empty") }
            guard text.utf8.count <= limit else { throw .invalid(place, "must have at most \(limit) bytes") }
        case .value: guard value.string != nil else { throw .invalid(place, "must be a string") }
        case .flag: guard value.bool != nil else { throw .invalid(place, "must be true or false") }
        case .number: guard value.double != nil else { throw .invalid(place, "must be a number") }
        case .integer(let range): try integer(value, in: range, at: place)
        case .word(let words):
            guard let text = value.string, words.contains(text) else {
                throw .invalid(place, "must be one of \(words.filter { !$0.isEmpty }.joined(separator: ", "))")
            }
        case .id:
            guard let id = try id(value, at: place) else {
                if expected.isRequired { throw .invalid(place, "must be a UUID") }
                return
            }
            guard !id.isNone || !expected.isRequired else { throw .invalid(place, "must not be the nil UUID") }
        case .jump: try jump(value, at: place, known: known)
        case .anything: return
        default: try checkMany(value, is: expected, at: place, known: known)
        }
    }

    /// The kinds that hold several values.
    private mutating func checkMany(
        _ value: JSONValue,
        is expected: ActionOption,
        at place: String,
        known: Set<ID>
    ) throws(Refusal) {
        switch expected.kind {
        case .jumps:
            guard let members = value.object?.members else {
                throw .invalid(place, "must be an object of values and action ids")
            }
            for member in members { try jump(member.value, at: "\(place).\(member.name)", known: known) }
        case .address: try address(value, at: place)
        case .actions: _ = try list(value, at: place)
        default:
            guard let values = value.array else { throw .invalid(place, "must be an array") }
            guard !expected.isRequired || !values.isEmpty else { throw .invalid(place, "must not be empty") }
            for (index, value) in values.enumerated() {
                let place = "\(place)[\(index)]"
                switch expected.kind {
                case .texts:
                    guard value.string?.isEmpty == false else { throw .invalid(place, "must be a string") }
                case .integers(let range): try integer(value, in: range, at: place)
                case .addresses: try address(value, at: place)
                default: guard value.object != nil else { throw .invalid(place, "must be an object") }
                }
            }
        }
    }

    private func integer(_ value: JSONValue, in range: ClosedRange<Int64>, at place: String) throws(Refusal) {
        guard let number = value.integer else { throw .invalid(place, "must be a whole number") }
        guard range.contains(number) else {
            throw .invalid(place, "must be from \(range.lowerBound) to \(range.upperBound), not \(number)")
        }
    }

    private func jump(_ value: JSONValue, at place: String, known: Set<ID>) throws(Refusal) {
        guard let id = value.id else { throw .invalid(place, "must be a UUID") }
        guard known.contains(id) else {
            throw .invalid(place, "must be the id of an action of the same list, not \(id)")
        }
    }

    /// An address with a target; a target that a variable completes is not looked at closer.
    private func address(_ value: JSONValue, at place: String) throws(Refusal) {
        let target = value["target"].string ?? value.string ?? ""
        if target.contains("${") {
            let type = value["type"]
            guard type.isNull || type.string.map(Address.types.contains) == true else {
                throw .invalid("\(place).type", "must be a type of address")
            }
        } else if try Address.read(value, field: place) == nil {
            throw .invalid("\(place).target", "is missing: give a number or another address")
        }
    }
}
