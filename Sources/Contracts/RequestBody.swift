/// The fields of a public request body, read leniently: absent means "keep", unknown fields are ignored.
///
/// Every refusal names the field and what it has to be.
package struct RequestBody: Sendable {
    package let json: JSONValue

    /// Throws when the body is not an object; null (no body) is an empty one.
    package init(_ json: JSONValue) throws(Refusal) {
        switch json {
        case .object, .null: self.json = json
        default: throw Refusal(.invalidArgument, "INVALID_JSON_BODY", "the body must be a JSON object")
        }
    }

    package func has(_ field: String) -> Bool { json.object?.contains(field) ?? false }

    /// A text; absent or null is nil.
    package func text(_ field: String) throws(Refusal) -> String? {
        guard !json[field].isNull else { return nil }
        guard let text = json[field].string else { throw .invalid(field, "must be a string") }
        return text
    }

    /// Free data: a text as it is, any other JSON as its text; absent is nil, null is empty.
    package func freeText(_ field: String) -> String? {
        guard has(field) else { return nil }
        switch json[field] {
        case .null: return ""
        case let value: return value.string ?? value.text
        }
    }

    /// A whole number within `range`; absent or null is nil.
    package func integer(_ field: String, in range: ClosedRange<Int64>) throws(Refusal) -> Int64? {
        guard !json[field].isNull else { return nil }
        guard let value = json[field].integer else { throw .invalid(field, "must be a whole number") }
        guard range.contains(value) else {
            throw .invalid(field, "must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
        return value
    }

    /// A length of time in milliseconds within `range`; 1 to 999 is read as seconds, since nobody means 30 ms there.
    package func milliseconds(_ field: String, in range: ClosedRange<Int64>) throws(Refusal) -> Milliseconds? {
        guard !json[field].isNull else { return nil }
        guard let given = json[field].integer else { throw .invalid(field, "must be a whole number of milliseconds") }
        let value = (1...999).contains(given) ? given * 1000 : given
        guard range.contains(value) else {
            throw .invalid(field, "must be from \(range.lowerBound) to \(range.upperBound) ms, not \(given)")
        }
        return Milliseconds(value)
    }

    /// An id; absent is nil; null, "" and the nil UUID are ``ID/none``.
    package func id(_ field: String) throws(Refusal) -> ID? {
        guard has(field) else { return nil }
        if json[field].isNull || json[field].string?.isEmpty == true { return ID.none }
        guard let id = json[field].id else { throw .invalid(field, "must be a UUID") }
        return id
    }

    /// One of a closed set of words, after aliases; absent or null is nil.
    package func word<Word: RawRepresentable & CaseIterable>(
        _ field: String,
        _: Word.Type,
        aliases: [String: Word] = [:]
    ) throws(Refusal) -> Word? where Word.RawValue == String {
        guard let text = try text(field) else { return nil }
        if let word = Word(rawValue: text) ?? aliases[text] { return word }
        let allowed = Word.allCases.map(\.rawValue).filter { !$0.isEmpty }
        throw .invalid(field, "must be one of \(allowed.joined(separator: ", ")), not \"\(text)\"")
    }
}
