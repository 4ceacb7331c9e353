/// Where a server listens: `HOST:PORT`, `[IPV6]:PORT` or `:PORT` (all addresses). Port 0 takes a free one.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name, an IPv4 address or an IPv6 address without brackets.
    package var host: String
    /// From 0 to 65535.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads the address; `name` is the option or variable that the error names.
    package init(parsing text: String, name: String) throws(ConfigurationError) {
        guard let colon = text.lastIndex(of: ":"), let port = ListenAddress.port(text[text.index(after: colon)...]),
            let host = ListenAddress.host(text[..<colon])
        else {
            throw ConfigurationError(
                "\(name) is \"\(text)\"; give HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or :8080"
            )
        }
        self.init(host: host, port: port)
    }

    private static func port(_ text: Substring) -> Int? {
        // Not `Int(_:)` alone, which also takes a sign.
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text).flatMap { (0...65_535).contains($0) ? $0 : nil }
    }

    private static func host(_ text: Substring) -> String? {
        if text.isEmpty { return "0.0.0.0" }
        if text.first == "[" {
            let inner = text.dropFirst().dropLast()
            let isPlausible =
                inner.contains(":") && inner.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." || $0 == "%" }
            return text.last == "]" && isPlausible ? String(inner) : nil
        }
        // Without brackets a colon in the host leaves open where the port begins.
        let isPlain = text.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_")
        }
        return isPlain ? String(text) : nil
    }

    /// The text that parses to this address.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
