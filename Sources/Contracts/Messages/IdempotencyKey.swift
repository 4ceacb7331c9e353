/// How a client marks repeats of one request: its `Idempotency-Key`, and what makes two requests the same.
package struct IdempotencyKey: Hashable, Sendable {
    /// As the client gave it.
    package var key: String
    /// The path of the request: the same key may be used on another one.
    package var path: String
    /// A keyed hash of the body: nothing can be learnt from it.
    package var fingerprint: String

    package init(key: String, path: String, fingerprint: String) {
        self.key = key
        self.path = path
        self.fingerprint = fingerprint
    }

    package var json: JSONValue {
        ["key": .string(key), "path": .string(path), "fingerprint": .string(fingerprint)]
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            key: try json.requireString("key"),
            path: try json.requireString("path"),
            fingerprint: try json.requireString("fingerprint")
        )
    }
}
