/// How long a connection may keep the gateway waiting.
package struct ConnectionTimeouts: Sendable, Hashable {
    /// From the first byte of a request (from the connection, for its first one) to the end of its head.
    package var head: Duration = .seconds(10)
    /// Without a byte of a body that is waited for.
    package var body: Duration = .seconds(30)
    /// Without taking a byte of an answer.
    package var answer: Duration = .seconds(30)
    /// Between an answer and the next request.
    package var idle: Duration = .seconds(75)
    /// For the rest of a body that nobody wants any more, and for the client's end of the connection.
    package var drain: Duration = .seconds(5)

    package init() {}

    /// How often a connection is looked at.
    var interval: Duration {
        min(.seconds(1), max(.milliseconds(20), min(head, body, answer, idle, drain) / 5))
    }
}
