import Contracts
import FoundationEssentials
import Service

/// What flags and environment say, checked.
struct GatewaySettings: Sendable {
    var host: String
    var port: Int
    var portFile: String?
    var gateway = GatewayConfiguration()

    init(_ options: GatewayOptions, environment: [String: String]) throws(ConfigurationError) {
        let address = options.httpListen ?? environment["CARILLON_HTTP_LISTEN"] ?? "127.0.0.1:8080"
        (host, port) = try GatewaySettings.hostAndPort(address)
        portFile = options.httpPortFile
        let format = options.timeFormat ?? environment["CARILLON_TIME_FORMAT"] ?? TimeFormat.documented.rawValue
        guard let timeFormat = TimeFormat(rawValue: format) else {
            throw ConfigurationError(
                "CARILLON_TIME_FORMAT (--time-format) must be documented or rfc3339, not \(format)"
            )
        }
        gateway.timeFormat = timeFormat
        gateway.tokenSecret = try GatewaySettings.tokenSecret(environment)
    }

    private static func hostAndPort(_ text: String) throws(ConfigurationError) -> (String, Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port), colon != text.startIndex
        else {
            throw ConfigurationError("CARILLON_HTTP_LISTEN (--http-listen) must be HOST:PORT, not \(text)")
        }
        let host = text[..<colon]
        return (host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host), port)
    }

    /// The signing key of session tokens, when this deployment gives one; HS256 needs 32 bytes (RFC 7518, section 3.2).
    private static func tokenSecret(_ environment: [String: String]) throws(ConfigurationError) -> [UInt8]? {
        var source = "CARILLON_JWT_SECRET"
        var secret = environment[source].map { Array($0.utf8) }
        if secret == nil, let directory = environment["CREDENTIALS_DIRECTORY"] {
            source = directory + "/jwt-secret"
            secret = (try? Data(contentsOf: URL(filePath: source))).map { Array($0) }
        }
        while let last = secret?.last, last == 0x0A || last == 0x0D { secret?.removeLast() }
        guard let secret, !secret.isEmpty else { return nil }
        guard secret.count >= 32 else { throw ConfigurationError("\(source) must have at least 32 bytes") }
        return secret
    }
}
