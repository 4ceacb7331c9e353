/// The parts of a broker address.
struct BrokerURL: Hashable {
    var isSecure: Bool
    var user: String
    var password: String
    var virtualHost: String
    var hosts: [AMQPConfiguration.Host]

    /// Reads one URL with a list of hosts, or a comma separated list of URLs.
    static func parse(list text: String) throws(AMQPError) -> BrokerURL {
        var urls: [Substring] = []
        for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
            // A comma separates either hosts inside a URL or whole URLs: what follows tells which.
            if let last = urls.last, !piece.contains("://") {
                urls[urls.count - 1] = text[last.startIndex..<piece.endIndex]
            } else {
                urls.append(piece)
            }
        }
        var result: BrokerURL?
        for url in urls {
            let parsed = try parse(single: url)
            guard var first = result else {
                result = parsed
                continue
            }
            guard first.isSecure == parsed.isSecure, first.user == parsed.user, first.password == parsed.password,
                first.virtualHost == parsed.virtualHost
            else {
                throw invalid("all URLs of the list need the same scheme, user, password and virtual host")
            }
            first.hosts += parsed.hosts
            result = first
        }
        guard let result else { throw invalid("it is empty") }
        return result
    }

    /// A text in which every byte outside the unreserved set is percent encoded.
    static func percentEncoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return result
    }

    private static func parse(single url: Substring) throws(AMQPError) -> BrokerURL {
        guard let mark = firstRange(of: "://", in: url) else {
            throw invalid("it does not begin with amqp:// or amqps://")
        }
        let isSecure: Bool
        switch url[..<mark.lowerBound].lowercased() {
        case "amqp": isSecure = false
        case "amqps": isSecure = true
        default: throw invalid("it does not begin with amqp:// or amqps://")
        }
        let rest = url[mark.upperBound...]
        guard !rest.contains("?"), !rest.contains("#") else {
            throw invalid("it has a query or fragment, which has no meaning here (percent encode ? and # in names)")
        }
        // A password with an unencoded '@' or '/' would be misread, so both are looked for from where they are unambiguous.
        let slash = rest.firstIndex(of: "/")
        let authority = rest[..<(slash ?? rest.endIndex)]
        var virtualHost = "/"
        if let slash {
            let path = rest[rest.index(after: slash)...]
            guard !path.contains("/") else { throw invalid("the virtual host holds a '/': write it as %2f") }
            if !path.isEmpty { virtualHost = try decoded(path, name: "virtual host") }
        }
        var user = "guest"
        var password = "guest"
        var hostList = authority
        if let at = authority.lastIndex(of: "@") {
            let credentials = authority[..<at]
            guard !credentials.contains("@") else { throw invalid("user or password hold an '@': write it as %40") }
            hostList = authority[authority.index(after: at)...]
            let colon = credentials.firstIndex(of: ":") ?? credentials.endIndex
            user = try decoded(credentials[..<colon], name: "user")
            guard !user.isEmpty else { throw invalid("the user is empty") }
            password = ""
            if colon < credentials.endIndex {
                password = try decoded(credentials[credentials.index(after: colon)...], name: "password")
            }
        }
        var hosts: [AMQPConfiguration.Host] = []
        for item in hostList.split(separator: ",", omittingEmptySubsequences: false) {
            hosts.append(try host(item, defaultPort: isSecure ? 5671 : 5672))
        }
        return BrokerURL(isSecure: isSecure, user: user, password: password, virtualHost: virtualHost, hosts: hosts)
    }

    private static func host(_ item: Substring, defaultPort: Int) throws(AMQPError) -> AMQPConfiguration.Host {
        var name = item
        var portText: Substring?
        if item.first == "[" {
            guard let end = item.firstIndex(of: "]") else { throw invalid("an IPv6 address lacks its ']'") }
            name = item[item.index(after: item.startIndex)..<end]
            let after = item[item.index(after: end)...]
            if after.first == ":" {
                portText = after.dropFirst()
            } else if !after.isEmpty {
                throw invalid("something other than ':port' follows an IPv6 address")
            }
        } else if let colon = item.firstIndex(of: ":") {
            name = item[..<colon]
            portText = item[item.index(after: colon)...]
        }
        guard !name.isEmpty else { throw invalid("a host name is empty") }
        guard let portText else { return AMQPConfiguration.Host(name: String(name), port: defaultPort) }
        guard let port = Int(portText), (1...65535).contains(port) else {
            // The text is not shown: with an unencoded '/' in a password it would be the password.
            throw invalid("the port after host '\(name)' is not a number from 1 to 65535")
        }
        return AMQPConfiguration.Host(name: String(name), port: port)
    }

    private static func decoded(_ text: Substring, name: String) throws(AMQPError) -> String {
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
                throw invalid("the \(name) has a '%' without two hexadecimal digits")
            }
            bytes.append(high << 4 | low)
        }
        guard let result = String(validating: bytes, as: UTF8.self) else { throw invalid("the \(name) is not UTF-8") }
        return result
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func firstRange(of mark: String, in text: Substring) -> Range<Substring.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            if text[index...].hasPrefix(mark) { return index..<text.index(index, offsetBy: mark.count) }
            index = text.index(after: index)
        }
        return nil
    }

    private static func invalid(_ reason: String) -> AMQPError {
        AMQPError(.invalidURL, "the broker URL is not valid: \(reason)")
    }
}
