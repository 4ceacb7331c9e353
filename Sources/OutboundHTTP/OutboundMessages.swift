package import Contracts

/// What is sent to somebody else's server.
package struct OutboundRequest: Sendable {
    package var method: String
    package var url: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Whether the body of the answer counts. Else it is dropped, however large it is: the status says it all.
    package var wantsBody: Bool
    /// Whose request it is: nobody's names are looked up on more than a share of the threads.
    package var customer: ID

    package init(
        method: String,
        url: String,
        headers: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        wantsBody: Bool = true,
        customer: ID = .none
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.wantsBody = wantsBody
        self.customer = customer
    }
}

/// What it answered; a redirect is an answer like any other.
package struct OutboundAnswer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var isSuccess: Bool { (200..<300).contains(status) }
}

/// Why there is no answer.
package enum OutboundError: Error, Hashable, Sendable, CustomStringConvertible {
    case invalidURL(String)
    /// The host resolves to an address that customers may not have us connect to.
    case blocked(address: String)
    case unresolved(host: String)
    /// Nobody takes connections there.
    case refused(String)
    /// Not everything was there in time.
    case timeout
    /// The answer is larger than is read.
    case tooLarge
    /// Too many names of the same customer wait to be looked up.
    case tooManyLookups
    /// The connection or its encryption failed.
    case failed(String)

    package var description: String {
        switch self {
        case .invalidURL(let reason): "the URL \(reason)"
        case .blocked(let address): "the address \(address) is not on the public internet; the operator can allow it"
        case .unresolved(let host): "the host \(host) cannot be looked up"
        case .refused(let reason): "nobody takes connections there: \(reason)"
        case .timeout: "the server did not answer in time"
        case .tooLarge: "the answer is too large"
        case .tooManyLookups: "too many hosts of this customer wait to be looked up"
        case .failed(let reason): "the connection failed: \(reason)"
        }
    }

    /// A word for metrics and logs.
    package var code: String {
        switch self {
        case .invalidURL: "invalid_url"
        case .blocked: "blocked"
        case .unresolved: "unresolved"
        case .refused: "refused"
        case .timeout: "timeout"
        case .tooLarge: "too_large"
        case .tooManyLookups: "too_many_lookups"
        case .failed: "failed"
        }
    }
}
