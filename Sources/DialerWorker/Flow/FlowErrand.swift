package import Contracts

/// What a flow wants from the world beside its call: a message, a mail, or an answer of a web server.
package struct FlowErrand: Hashable, Sendable {
    package var attempt: ID
    /// Which order of the flow: its outcome names it. Nil when nobody waits for it.
    package var number: Int?
    package var campaign: ID
    package var customer: ID
    package var target: ID
    package var what: What

    package enum What: Hashable, Sendable {
        case message(source: Address?, destinations: [Address], text: String)
        case email(destinations: [Address], subject: String, content: String, attachments: [JSONValue])
        case web(WebRequest)
        /// Look whether these files are there, before they are played.
        case files([String])
    }
}

/// A request to somebody's web server, as a flow words it: `webhook_send`, or `fetch`.
package struct WebRequest: Hashable, Sendable {
    /// `GET`, `POST`, …: as the action says, in upper case.
    package var method: String
    /// As the action says: the client checks it.
    package var url: String
    package var contentType: String
    package var body: String
    /// Whose flow asks.
    package var customer = ID.none

    package init(method: String, url: String, contentType: String, body: String) {
        self.method = method
        self.url = url
        self.contentType = contentType
        self.body = body
    }
}

package enum WebResult: Hashable, Sendable {
    /// What the server said, with any status; `body` is cut by the client.
    case answered(status: Int, body: String)
    /// Why nothing was asked, or nothing came back: a few words for the result of the action.
    case failed(reason: String)
}

/// Asks web servers for flows. Whatever goes wrong is a ``WebResult/failed(reason:)``: it never stops a flow.
///
/// Guards, limits and time-outs are the client's own; at most ``ErrandLines/webLimit`` requests are under way at once.
package protocol WebClient: Sendable {
    func send(_ request: WebRequest) async -> WebResult
    /// Once, after the last request.
    func shutDown() async
}

extension WebClient {
    package func shutDown() async {}
}

/// Asks nobody: for installations without a client.
package struct RefusingWebClient: WebClient {
    package init() {}

    package func send(_ request: WebRequest) async -> WebResult {
        .failed(reason: "web requests are switched off on this worker")
    }
}

/// Sends messages and mails. Called in order and never twice for one errand.
package protocol MessageTransport: Sendable {
    /// Nil for what was sent, else why not, for each errand.
    func send(_ errands: [FlowErrand]) -> [String?]
}

/// What came of an errand.
package enum ErrandOutcome: Hashable, Sendable {
    case sent
    case answered(status: Int, body: String)
    case failed(reason: String)
    /// The files that can be played, and what is wrong with the others, if any are.
    case found([String], problem: String?)
}
