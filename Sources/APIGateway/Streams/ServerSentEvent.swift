import Contracts
import NIOCore

/// One event of a `text/event-stream`.
struct ServerSentEvent: Sendable, Hashable {
    var name: String
    /// The mark of the last change that the client knows with this event.
    var id: Int64?
    var data: JSONValue

    var bytes: ByteBuffer {
        var text = Array("event: \(name)\n".utf8)
        if let id { text += Array("id: \(id)\n".utf8) }
        text += Array("data: ".utf8)
        // JSON in one line: it holds no line break.
        data.write(into: &text)
        text += Array("\n\n".utf8)
        return ByteBuffer(bytes: text)
    }

    /// A comment, which keeps proxies from closing a quiet stream.
    static let heartbeat = ByteBuffer(string: ": alive\n\n")

    /// Told to a client that has missed changes: it reads the list of campaigncalls again.
    static func reset(_ mark: Int64) -> ServerSentEvent {
        ServerSentEvent(name: "reset", id: mark, data: ["reason": "changes were skipped; read the campaigncalls again"])
    }

    /// The last event of a stream.
    static func end(_ reason: String) -> ServerSentEvent {
        ServerSentEvent(name: "end", id: nil, data: ["reason": .string(reason)])
    }
}
