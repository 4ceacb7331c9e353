import Contracts
import HTTPTypes

/// What the gateway answers, before it is written.
struct Answer: Sendable {
    var code: Int = 200
    var body: JSONValue
    var headers: HTTPFields = [:]

    /// The public error body, with the top-level copy of the message that old clients read.
    init(_ problem: Problem, requestID: String) {
        var error: JSONObject = [
            "status": .string(problem.refusal.status.rawValue), "reason": .string(problem.refusal.reason),
            "message": .string(problem.refusal.message), "request_id": .string(requestID),
        ]
        if !problem.refusal.details.isEmpty { error.append("details", .array(problem.refusal.details)) }
        code = problem.code
        body = ["error": .object(error), "message": .string(problem.refusal.message)]
        headers = problem.headers
    }

    init(code: Int = 200, _ body: JSONValue, headers: HTTPFields = [:]) {
        self.code = code
        self.body = body
        self.headers = headers
    }
}

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

    init(_ refusal: Refusal) {
        self.init(code: refusal.status.httpCode, refusal)
        switch refusal.status {
        case .unavailable, .resourceExhausted: headers[.retryAfter] = "1"
        case .unauthenticated: headers[.wwwAuthenticate] = "Bearer"
        default: break
        }
    }

    static let unknownPath = Problem(Refusal(.notFound, "ROUTE_NOT_FOUND", "there is nothing at this path"))

    static func otherMethods(_ methods: [HTTPRequest.Method]) -> Problem {
        let list = methods.map(\.rawValue).joined(separator: ", ")
        let refusal = Refusal(.invalidArgument, "METHOD_NOT_ALLOWED", "this path takes \(list) only")
        return Problem(code: 405, refusal, headers: [.allow: list])
    }

    static func bodyTooLarge(limit: Int) -> Problem {
        Problem(
            code: 413,
            Refusal(.invalidArgument, "BODY_TOO_LARGE", "the body must not be larger than \(limit) bytes")
        )
    }

    static func headersTooLarge(limit: Int) -> Problem {
        Problem(
            code: 431,
            Refusal(.invalidArgument, "HEADERS_TOO_LARGE", "path and headers must not be larger than \(limit) bytes")
        )
    }
}
