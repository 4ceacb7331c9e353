/// A do-not-call list as it was when it was asked.
package struct ListVersion: Hashable, Sendable {
    package var list: ID
    /// It grows with every change of the list.
    package var version: Int64

    package init(list: ID, version: Int64) {
        self.list = list
        self.version = version
    }

    /// `{"<list id>": version}`.
    package static func json(_ lists: [ListVersion]) -> JSONValue {
        var object = JSONObject()
        for list in lists { object.append(list.list.description, .integer(list.version)) }
        return .object(object)
    }

    /// Reads what ``json(_:)`` wrote; absent is none.
    package static func list(_ json: JSONValue) -> [ListVersion] {
        (json.object?.members ?? []).compactMap { member in
            guard let list = ID(member.name), let version = member.value.integer else { return nil }
            return ListVersion(list: list, version: version)
        }
    }
}

/// What a worker knows of a number right before it dials it.
package enum NumberScreening: Hashable, Sendable {
    /// Nobody was asked: the command is on its way to a worker.
    case notAsked
    /// It is on none of these do-not-call lists.
    case clear([ListVersion])
    /// It is on one of these.
    case listed([ListVersion])
    /// Of a call that a flow wants: this attempt has a call to the number.
    case busy(by: ID)
    /// There was no answer in time.
    case unanswered
}
