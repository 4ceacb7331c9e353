import Contracts
import HTTPTypes
import HummingbirdCore
import NIOCore

/// What the gateway answers, before it is written.
struct Answer: Sendable {
    /// What follows the headers.
    enum Content: Sendable {
        case json(JSONValue)
        /// Bytes that are the same for everybody.
        case document(Document)
        /// A body that is made while it is sent; its length is not known before.
        case stream(type: String, write: @Sendable (inout any ResponseBodyWriter) async throws -> Void)
    }

    /// A text with its media type.
    struct Document: Sendable {
        var bytes: ByteBuffer
        var type: String
        /// What a browser may do with it; nil for the policy of plain data.
        var securityPolicy: String?
    }

    var code: Int = 200
    var content: Content
    var headers: HTTPFields = [:]

    static let jsonType = "application/json; charset=utf-8"

    /// The public error body, with the top-level copy of the message that old clients read.
    init(_ problem: Problem, requestID: String) {
        var error: JSONObject = [
            "status": .string(problem.refusal.status.rawValue), "reason": .string(problem.refusal.reason),
            "message": .string(problem.refusal.message), "request_id": .string(requestID),
        ]
        if !problem.refusal.details.isEmpty { error.append("details", .array(problem.refusal.details)) }
        self.init(
            code: problem.code,
            ["error": .object(error), "message": .string(problem.refusal.message)],
            headers: problem.headers
        )
    }

    init(code: Int = 200, _ body: JSONValue, headers: HTTPFields = [:]) {
        self.init(code: code, content: .json(body), headers: headers)
    }

    init(code: Int = 200, content: Content, headers: HTTPFields = [:]) {
        self.code = code
        self.content = content
        self.headers = headers
    }

    /// The body of an answer in JSON; empty for another one.
    var jsonBytes: [UInt8] {
        if case .json(let json) = content { json.bytes } else { [] }
    }
}
