package import Contracts

/// A checked new target, from a request body or a row of an import.
package struct TargetDraft: Hashable, Sendable {
    package var name: String
    package var detail: String
    package var data: String
    package var priority: Int
    package var timeZone: String
    package var destinations: [Address?]
    package var variables: [Target.Variable]

    package static let defaultPriority = 5
    static let destinationNames = (0..<Target.destinationCount).map { "destination_\($0)" }
    private static let ownColumns: Set<String> = Set(["name", "detail", "data", "priority", "time_zone"])
        .union(destinationNames)

    package init(
        name: String = "",
        detail: String = "",
        data: String = "",
        priority: Int = defaultPriority,
        timeZone: String = "",
        destinations: [Address?],
        variables: [Target.Variable] = []
    ) {
        self.name = name
        self.detail = detail
        self.data = data
        self.priority = priority
        self.timeZone = timeZone
        self.destinations = destinations + Array(repeating: nil, count: Target.destinationCount - destinations.count)
        self.variables = variables
    }

    /// Reads the body of `POST /outdials/{id}/targets`.
    package init(body: RequestBody) throws(Refusal) {
        var destinations: [Address?] = []
        for name in TargetDraft.destinationNames { destinations.append(try Address.read(body.json[name], field: name)) }
        guard destinations.contains(where: { $0 != nil }) else {
            throw .invalid("destination_0", "is missing: give at least one destination with a target")
        }
        self.init(
            name: try body.text("name") ?? "",
            detail: try body.text("detail") ?? "",
            data: body.freeText("data") ?? "",
            priority: Int(try body.integer("priority", in: 0...9) ?? Int64(TargetDraft.defaultPriority)),
            timeZone: try TimeZoneNames.read(body) ?? "",
            destinations: destinations
        )
    }

    /// Why a row of an import is refused.
    package struct RowError: Error, Hashable, Sendable {
        package var column: String
        package var reason: String
        package var value: String

        package init(column: String, reason: String, value: String) {
            self.column = column
            self.reason = reason
            self.value = value
        }
    }

    /// Reads a row of an import: texts by column name; other columns become variables.
    package init(row: JSONObject) throws(RowError) {
        var draft = TargetDraft(destinations: [])
        for (index, name) in TargetDraft.destinationNames.enumerated() {
            let text = row[name].string.map(trimmed) ?? ""
            do {
                draft.destinations[index] = try Address.read(.string(text), field: name)
            } catch {
                let reason = String(error.message.split(separator: " ", maxSplits: 1).last ?? "")
                throw RowError(column: name, reason: reason, value: text)
            }
        }
        guard draft.destinations.contains(where: { $0 != nil }) else {
            throw RowError(column: "destination_0", reason: "is missing: the row has no destination", value: "")
        }
        draft.name = row["name"].string ?? ""
        draft.detail = row["detail"].string ?? ""
        draft.data = row["data"].string ?? ""
        draft.timeZone = row["time_zone"].string.map(trimmed) ?? ""
        guard TimeZoneNames.isKnown(draft.timeZone) else {
            throw RowError(column: "time_zone", reason: TimeZoneNames.expectation, value: draft.timeZone)
        }
        if let text = row["priority"].string.map(trimmed), !text.isEmpty {
            guard let priority = Int(text), (0...9).contains(priority) else {
                throw RowError(column: "priority", reason: "must be a whole number from 0 to 9", value: text)
            }
            draft.priority = priority
        }
        draft.variables = row.members.compactMap { member in
            guard !TargetDraft.ownColumns.contains(member.name), let value = member.value.string else { return nil }
            return Target.Variable(name: member.name, value: value)
        }
        self = draft
    }
}

private func trimmed(_ text: String) -> String {
    var slice = text[...]
    while let first = slice.first, first == " " || first == "\t" { slice.removeFirst() }
    while let last = slice.last, last == " " || last == "\t" { slice.removeLast() }
    return String(slice)
}
