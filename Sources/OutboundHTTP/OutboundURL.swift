/// The address of somebody else's server, in its one canonical form: http or https, a host, a port, a path.
///
/// No user and password, and no fragment. The host is a name in lower case or a literal address; names outside ASCII have
/// to be given as `xn--…`.
package struct OutboundURL: Hashable, Sendable {
    package let isSecure: Bool
    /// Without brackets.
    package let host: String
    package let port: Int
    /// Path and query, from the first slash.
    package let target: String

    /// Throws ``OutboundError/invalidURL(_:)`` with what is wrong.
    package init(_ text: String) throws(OutboundError) {
        guard text.utf8.count <= 8192, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
        else {
            throw .invalidURL("must be at most 8192 printable ASCII characters without spaces and backslashes")
        }
        guard let colon = text.firstRange(of: "://") else { throw .invalidURL("must begin with http:// or https://") }
        switch text[..<colon.lowerBound].lowercased() {
        case "http": isSecure = false
        case "https": isSecure = true
        default: throw .invalidURL("must begin with http:// or https://")
        }
        let rest = text[colon.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw .invalidURL("must not hold a user or a password") }
        let path = rest[authority.endIndex...]
        target = path.hasPrefix("/") ? String(path) : "/" + path
        (host, port) = try OutboundURL.split(authority, standard: isSecure ? 443 : 80)
    }

    private static func split(_ authority: Substring, standard: Int) throws(OutboundError) -> (String, Int) {
        var host = authority
        var port: Substring = ""
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[authority.index(after: authority.startIndex)..<end]
            let after = authority[authority.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":"), IPAddress(host) != nil, host.contains(":") else {
                throw .invalidURL("holds brackets without an IPv6 address in them")
            }
            port = after.dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        let name = host.lowercased()
        guard isHostName(name) || IPAddress(name) != nil else { throw .invalidURL("has no host that can be looked up") }
        if port.isEmpty { return (name, standard) }
        guard port.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(port), (1...65535).contains(number)
        else { throw .invalidURL("has a port that is not from 1 to 65535") }
        return (name, number)
    }

    /// Letters, digits, hyphens and underscores between dots; `0x7f.1` and `2130706433` are such names, too.
    static func isHostName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        let name = text.hasSuffix(".") ? text.dropLast() : text[...]
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy {
                    (48...57).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "-")
                        || $0 == UInt8(ascii: "_")
                }
        }
    }

    /// The host as a URL has it.
    var hostInURL: String { host.contains(":") ? "[\(host)]" : host }

    package var description: String { "\(isSecure ? "https" : "http")://\(hostInURL):\(port)\(target)" }
}

extension OutboundURL: CustomStringConvertible {}
