/// A request that the rules refuse, in the words of the public error body.
///
/// `status` decides the HTTP code, `reason` is for programs, `message` for people: it names the field and the remedy.
package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The canonical status names of the public API.
    package enum Status: String, Sendable, CaseIterable {
        case invalidArgument = "INVALID_ARGUMENT"
        case unauthenticated = "UNAUTHENTICATED"
        case permissionDenied = "PERMISSION_DENIED"
        case notFound = "NOT_FOUND"
        case alreadyExists = "ALREADY_EXISTS"
        case failedPrecondition = "FAILED_PRECONDITION"
        case resourceExhausted = "RESOURCE_EXHAUSTED"
        case insufficientStorage = "INSUFFICIENT_STORAGE"
        case unavailable = "UNAVAILABLE"
        case unknown = "INTERNAL"

        /// The HTTP status code that stands for it.
        package var httpCode: Int {
            switch self {
            case .invalidArgument: 400
            case .unauthenticated: 401
            case .permissionDenied: 403
            case .notFound: 404
            case .alreadyExists, .failedPrecondition: 409
            case .resourceExhausted: 429
            case .unknown: 500
            case .unavailable: 503
            case .insufficientStorage: 507
            }
        }
    }

    package var status: Status
    package var reason: String
    package var message: String
    package var details: [JSONValue]

    package init(_ status: Status, _ reason: String, _ message: String, details: [JSONValue] = []) {
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details
    }

    package var description: String { "\(reason): \(message)" }

    /// A wrong value in a request; `field` is named in the message and in the details.
    package static func invalid(_ field: String, _ problem: String) -> Refusal {
        Refusal(.invalidArgument, "INVALID_ARGUMENT", "\(field) \(problem)", details: [["field": .string(field)]])
    }

    package static func notFound(_ reason: String, _ message: String) -> Refusal { Refusal(.notFound, reason, message) }

    /// The request is fine, but not in this state; `message` says what to do first.
    package static func state(_ message: String) -> Refusal { Refusal(.failedPrecondition, "STATE_INVALID", message) }

    package static func unavailable(_ message: String) -> Refusal {
        Refusal(.unavailable, "SERVICE_UNAVAILABLE", message)
    }
}

extension Refusal {
    package var json: JSONValue {
        [
            "status": .string(status.rawValue), "reason": .string(reason), "message": .string(message),
            "details": .array(details),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            Status(rawValue: try json.requireString("status")) ?? .unknown,
            try json.requireString("reason"),
            try json.requireString("message"),
            details: json["details"].array ?? []
        )
    }
}
