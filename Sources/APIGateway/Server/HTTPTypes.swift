import HTTPTypes
package import HummingbirdCore

// The server library's names beside ours: `Request` and `RequestBody` are also words of Contracts.
package typealias HTTPMessage = HummingbirdCore.Request
typealias HTTPBody = HummingbirdCore.RequestBody

extension HTTPField.Name {
    static let xRequestID = HTTPField.Name("X-Request-Id")!
    static let contentTypeOptions = HTTPField.Name("X-Content-Type-Options")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
}
