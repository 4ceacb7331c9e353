package import Contracts

/// What a request changes of a target: nil and absent is kept.
package struct TargetChanges: Hashable, Sendable {
    package var name: String?
    package var detail: String?
    package var data: String?
    package var priority: Int?
    package var timeZone: String?
    /// By index; nil takes the destination away.
    package var destinations: [Int: Address?]

    package init(
        name: String? = nil,
        detail: String? = nil,
        data: String? = nil,
        priority: Int? = nil,
        timeZone: String? = nil,
        destinations: [Int: Address?] = [:]
    ) {
        self.name = name
        self.detail = detail
        self.data = data
        self.priority = priority
        self.timeZone = timeZone
        self.destinations = destinations
    }

    package var isEmpty: Bool { self == TargetChanges() }

    func apply(to target: inout Target) {
        target.name = name ?? target.name
        target.detail = detail ?? target.detail
        target.data = data ?? target.data
        target.priority = priority ?? target.priority
        target.timeZone = timeZone ?? target.timeZone
        for (index, destination) in destinations { target.destinations[index] = destination }
    }
}

extension TargetChanges {
    /// What the body of `PUT /outdials/{id}/targets/{target_id}` changes of `target`, without what is so already.
    ///
    /// Throws a ``Refusal`` for a value that is not allowed, and for a target that would be left without a destination.
    package init(body: RequestBody, of target: Target) throws(Refusal) {
        func changed<Value: Equatable>(_ given: Value?, _ current: Value) -> Value? { given == current ? nil : given }
        var destinations: [Int: Address?] = [:]
        for (index, field) in TargetDraft.destinationNames.enumerated() where body.has(field) {
            let address = try Address.read(body.json[field], field: field)
            if address != target.destinations[index] { destinations[index] = .some(address) }
        }
        self.init(
            name: changed(try body.text("name"), target.name),
            detail: changed(try body.text("detail"), target.detail),
            data: changed(body.freeText("data"), target.data),
            priority: changed(try body.integer("priority", in: 0...9).map(Int.init), target.priority),
            timeZone: changed(try TimeZoneNames.read(body), target.timeZone),
            destinations: destinations
        )
        var result = target
        apply(to: &result)
        guard result.destinations.contains(where: { $0 != nil }) else {
            throw .invalid("destination_0", "is the last one: a target keeps at least one destination")
        }
    }

    package var json: JSONValue {
        var object = JSONObject()
        for (field, text) in [("name", name), ("detail", detail), ("data", data), ("time_zone", timeZone)] {
            if let text { object.append(field, .string(text)) }
        }
        if let priority { object.append("priority", .integer(priority)) }
        for (index, destination) in destinations.sorted(by: { $0.key < $1.key }) {
            object.append(TargetDraft.destinationNames[index], Address.optional(destination))
        }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        var destinations: [Int: Address?] = [:]
        for (index, field) in TargetDraft.destinationNames.enumerated() where json.object?.contains(field) == true {
            destinations[index] = .some(try Address.stored(json[field]))
        }
        self.init(
            name: json["name"].string,
            detail: json["detail"].string,
            data: json["data"].string,
            priority: json["priority"].integer.map(Int.init),
            timeZone: json["time_zone"].string,
            destinations: destinations
        )
    }
}
