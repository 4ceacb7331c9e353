import Contracts
import HTTPTypes

/// What a client asks for: a request without its body, and without its secrets in any description.
struct ClientCall: Sendable {
    let method: HTTPRequest.Method
    let path: String
    let query: QueryString
    let headers: HTTPFields
    /// The `Host` that the request was sent to.
    let authority: String?
    /// Ties this request to all that follows from it, in logs and events.
    let correlation: ID
    /// The name that the client, or else the gateway, gave to this request.
    let requestID: String
    /// Where it comes from, behind the proxies that are trusted.
    let address: ClientAddress

    init(_ head: HTTPRequest, correlation: ID, address: ClientAddress) {
        method = head.method
        let parts = (head.path ?? "/").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        query = QueryString(parts.count > 1 ? parts[1] : "")
        headers = head.headerFields
        authority = head.authority
        self.correlation = correlation
        self.address = address
        requestID = ClientCall.accepted(head.headerFields[.xRequestID]) ?? correlation.description
    }

    /// Whether the method changes nothing.
    var isSafe: Bool { [.get, .head, .options].contains(method) }

    /// The token of `Authorization: Bearer`.
    var bearer: String? {
        guard let value = headers[.authorization] else { return nil }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1].trimmed
    }

    /// The first cookie of that name.
    func cookie(_ name: String) -> String? {
        for field in headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2, parts[0].trimmed == name { return parts[1].trimmed }
            }
        }
        return nil
    }

    /// The host that the request was sent to, in lower case.
    var host: String? { (authority ?? headers[HTTPField.Name("Host")!])?.lowercased() }

    /// The host part of the `Origin` header, in lower case.
    var originAuthority: String? {
        guard let origin = headers[.origin]?.lowercased() else { return nil }
        for scheme in ["https://", "http://"] where origin.hasPrefix(scheme) {
            return String(origin.dropFirst(scheme.count))
        }
        return nil
    }

    /// The media type of the body, without its parameters.
    var mediaType: String {
        (headers[.contentType] ?? "").prefix { $0 != ";" }.trimmed.lowercased()
    }

    /// The bytes of path and headers.
    static func size(of head: HTTPRequest) -> Int {
        head.headerFields.reduce(head.path?.utf8.count ?? 0) {
            $0 + $1.name.rawName.utf8.count + $1.value.utf8.count + 4
        }
    }

    /// A client's request id when it is harmless in logs and headers: at most 64 letters, digits, `-`, `_` or `.`.
    private static func accepted(_ text: String?) -> String? {
        guard let text, (1...64).contains(text.utf8.count) else { return nil }
        let isSafe = text.utf8.allSatisfy { byte in
            byte.isASCIILetterOrDigit || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
        }
        return isSafe ? text : nil
    }
}

extension UInt8 {
    var isASCIILetterOrDigit: Bool {
        (48...57).contains(self) || (65...90).contains(self) || (97...122).contains(self)
    }
}

extension StringProtocol {
    /// The text without spaces and tabs at both ends.
    var trimmed: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return String(self[first...last])
    }
}
