import HTTPTypes

/// The headers that every answer has: who may read it, and what a browser may do with it.
package struct AnswerHeaders: Sendable, Hashable {
    /// The origins whose pages may read answers; empty lets those of every origin.
    ///
    /// Credentials are never allowed to pages of other origins: such a page has to hold its own key.
    package var origins: [String]

    package init(origins: [String] = []) { self.origins = origins }

    /// What a browser may do with data: nothing.
    private static let dataPolicy = "default-src 'none'; frame-ancestors 'none'"

    func add(to headers: inout HTTPFields, requestID: String, origin: String?, policy: String? = nil) {
        headers[.xRequestID] = requestID
        headers[.contentTypeOptions] = "nosniff"
        headers[.cacheControl] = "no-store"
        headers[.referrerPolicy] = "no-referrer"
        headers[.contentSecurityPolicy] = policy ?? AnswerHeaders.dataPolicy
        headers[.accessControlExposeHeaders] = "X-Request-Id, Retry-After"
        guard !origins.isEmpty else {
            headers[.accessControlAllowOrigin] = "*"
            return
        }
        headers[.vary] = "Origin"
        if let origin, origins.contains(origin.lowercased()) { headers[.accessControlAllowOrigin] = origin }
    }

    /// What a page of another origin may send.
    func preflight(_ methods: [HTTPRequest.Method]) -> HTTPFields {
        let list = methods.map(\.rawValue).joined(separator: ", ")
        return [
            .allow: list, .accessControlAllowMethods: list,
            .accessControlAllowHeaders: "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id",
            .accessControlMaxAge: "600",
        ]
    }
}
