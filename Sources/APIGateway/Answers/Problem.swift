import Contracts
import HTTPTypes

/// A refusal as HTTP tells it: with its own code where the protocol has one, and headers that say more.
struct Problem: Error {
    var code: Int
    var refusal: Refusal
    var headers: HTTPFields = [:]

    init(code: Int, _ refusal: Refusal, headers: HTTPFields = [:]) {
        self.code = code
        self.refusal = refusal
        self.headers = headers
    }

    /// A refusal that says when to try again has it in the header too.
    init(_ refusal: Refusal) {
        self.init(code: refusal.status.httpCode, refusal)
        if refusal.status == .unauthenticated { headers[.wwwAuthenticate] = "Bearer" }
        if let seconds = refusal.details.lazy.compactMap({ $0["retry_after"].integer }).first {
            headers[.retryAfter] = String(max(1, seconds))
        } else if refusal.status == .unavailable || refusal.status == .resourceExhausted {
            headers[.retryAfter] = "1"
        }
    }

    /// What went wrong inside is for the log alone.
    static let inside = Problem(
        Refusal(.unknown, "INTERNAL", "something went wrong inside; the request id finds it in the log")
    )

    static let unknownPath = Problem(Refusal(.notFound, "ROUTE_NOT_FOUND", "there is nothing at this path"))

    static func otherMethods(_ methods: [HTTPRequest.Method]) -> Problem {
        let list = methods.map(\.rawValue).joined(separator: ", ")
        let refusal = Refusal(.invalidArgument, "METHOD_NOT_ALLOWED", "this path takes \(list) only")
        return Problem(code: 405, refusal, headers: [.allow: list])
    }

    /// The connection ends with it: the rest of the body is of no use.
    static func bodyTooLarge(limit: Int) -> Problem {
        Problem(
            code: 413,
            Refusal(.invalidArgument, "BODY_TOO_LARGE", "the body must not be larger than \(limit) bytes"),
            headers: [.connection: "close"]
        )
    }

    static func headersTooLarge(limit: Int?) -> Problem {
        let most = limit.map { " than \($0) bytes" } ?? ""
        return Problem(
            code: 431,
            Refusal(.invalidArgument, "HEADERS_TOO_LARGE", "path and headers must not be larger\(most)"),
            headers: [.connection: "close"]
        )
    }

    static let badRequest = Problem(
        code: 400,
        Refusal(.invalidArgument, "INVALID_REQUEST", "this is not a valid HTTP/1.1 request"),
        headers: [.connection: "close"]
    )

    static let requestTooSlow = Problem(
        code: 408,
        Refusal(.unavailable, "REQUEST_TIMEOUT", "the request did not come in time; send it again, and faster"),
        headers: [.connection: "close"]
    )
}
