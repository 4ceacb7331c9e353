/// What is done on calls: the compiled actions of a campaign, and the flows that they name.
///
/// A worker's journal is given a program once, before the first dial that names it, and keeps it for good. Its id comes
/// from its content: the same actions are the same program, and edited ones are another.
package struct Program: Hashable, Sendable {
    package var id: ID
    /// In order, with the queue_join that a campaign with a queue ends with.
    package var actions: [JSONValue]
    /// The actions of the flows that `fetch_flow` and `call` name, here and in these flows.
    package var flows: [ID: [JSONValue]]
    /// What `${…}` finds on every call of the program: the campaign's name and the like.
    package var variables: [String: String]

    package init(id: ID, actions: [JSONValue], flows: [ID: [JSONValue]] = [:], variables: [String: String] = [:]) {
        self.id = id
        self.actions = actions
        self.flows = flows
        self.variables = variables
    }

    /// Members are sorted, so that one program has one text.
    package var json: JSONValue {
        var object: JSONObject = ["program_id": .id(id), "actions": .array(actions)]
        if !flows.isEmpty {
            var members = JSONObject()
            for (flow, actions) in flows.sorted(by: { $0.key < $1.key }) {
                members.append(flow.description, .array(actions))
            }
            object.append("flows", .object(members))
        }
        if !variables.isEmpty { object.append("variables", .texts(variables)) }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONError) {
        var flows: [ID: [JSONValue]] = [:]
        for member in json["flows"].object?.members ?? [] {
            guard let flow = ID(member.name), let actions = member.value.array else {
                throw JSONError("flows must hold lists of actions by the id of their flow")
            }
            flows[flow] = actions
        }
        self.init(
            id: try json.requireID("program_id"),
            actions: try json.requireArray("actions"),
            flows: flows,
            variables: json["variables"].texts
        )
    }
}

/// The part of a target that a flow may speak of: `${name}`, `${data}`, and the columns of its import.
package struct TargetProfile: Hashable, Sendable {
    package var name: String
    package var detail: String
    /// As it was given, any text.
    package var data: String
    /// The other columns of the row that it was imported with, by their names.
    package var variables: [String: String]

    package static let empty = TargetProfile()

    package init(name: String = "", detail: String = "", data: String = "", variables: [String: String] = [:]) {
        self.name = name
        self.detail = detail
        self.data = data
        self.variables = variables
    }

    /// All of it by name: the columns, and over them `name`, `detail` and `data`, which are there even when empty.
    package var texts: [String: String] {
        variables.merging(["name": name, "detail": detail, "data": data]) { _, own in own }
    }

    /// Adds what is not empty, as `target_name`, `target_detail`, `target_data` and `variables`.
    package func append(to object: inout JSONObject) {
        if !name.isEmpty { object.append("target_name", .string(name)) }
        if !detail.isEmpty { object.append("target_detail", .string(detail)) }
        if !data.isEmpty { object.append("target_data", .string(data)) }
        if !variables.isEmpty { object.append("variables", .texts(variables)) }
    }

    /// Reads the members that ``append(to:)`` adds; what is absent is empty.
    package init(members json: JSONValue) {
        self.init(
            name: json["target_name"].string ?? "",
            detail: json["target_detail"].string ?? "",
            data: json["target_data"].string ?? "",
            variables: json["variables"].texts
        )
    }
}

extension JSONValue {
    /// An object of texts, its members sorted by their names.
    package static func texts(_ texts: [String: String]) -> JSONValue {
        var members = JSONObject()
        members.reserveCapacity(texts.count)
        for (name, text) in texts.sorted(by: { $0.key < $1.key }) { members.append(name, .string(text)) }
        return .object(members)
    }

    /// The members of an object that are texts, by their names; none of anything else.
    package var texts: [String: String] {
        guard let members = object?.members, !members.isEmpty else { return [:] }
        var texts: [String: String] = [:]
        for member in members { texts[member.name] = member.value.string }
        return texts
    }
}
