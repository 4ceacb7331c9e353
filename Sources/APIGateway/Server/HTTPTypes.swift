import HTTPTypes
package import HummingbirdCore

// The server library's names beside ours: `Request` and `RequestBody` are also words of Contracts.
package typealias HTTPMessage = HummingbirdCore.Request
typealias HTTPBody = HummingbirdCore.RequestBody

extension HTTPField.Name {
    static let xRequestID = HTTPField.Name("X-Request-Id")!
    static let contentTypeOptions = HTTPField.Name("X-Content-Type-Options")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
}
