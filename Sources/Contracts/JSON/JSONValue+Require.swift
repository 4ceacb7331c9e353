/// Reading members that have to be there: each throws a ``JSONError`` that names the member.
extension JSONValue {
    package func requireString(_ name: String) throws(JSONError) -> String {
        guard let value = self[name].string else { throw JSONError("\(name) must be a string") }
        return value
    }

    package func requireInteger(_ name: String) throws(JSONError) -> Int64 {
        guard let value = self[name].integer else { throw JSONError("\(name) must be a whole number") }
        return value
    }

    package func requireInt(_ name: String) throws(JSONError) -> Int { Int(try requireInteger(name)) }

    package func requireBool(_ name: String) throws(JSONError) -> Bool {
        guard let value = self[name].bool else { throw JSONError("\(name) must be true or false") }
        return value
    }

    package func requireID(_ name: String) throws(JSONError) -> ID {
        guard let value = self[name].id else { throw JSONError("\(name) must be a UUID") }
        return value
    }

    package func requireTime(_ name: String) throws(JSONError) -> Timestamp {
        Timestamp(microseconds: try requireInteger(name))
    }

    package func requireArray(_ name: String) throws(JSONError) -> [JSONValue] {
        guard let value = self[name].array else { throw JSONError("\(name) must be an array") }
        return value
    }

    /// A moment that may be null or absent.
    package func optionalTime(_ name: String) -> Timestamp? {
        self[name].integer.map { Timestamp(microseconds: $0) }
    }
}
