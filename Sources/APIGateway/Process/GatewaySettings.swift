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
        gateway.trustedProxies = try GatewaySettings.trustedProxies(options, environment)
        gateway.headers = AnswerHeaders(origins: try GatewaySettings.origins(options, environment))
        gateway.rates = try GatewaySettings.rates(options, environment)
        gateway.timeouts = try GatewaySettings.timeouts(options, environment)
        gateway.maximumConnections = Int(
            try Environment.integer(
                "CARILLON_HTTP_CONNECTIONS",
                flag: options.httpConnections,
                in: environment,
                default: 4096,
                range: 1...1_000_000
            )
        )
        // With the 15 seconds between two looks of a stream, a deleted key ends everywhere within 30.
        gateway.identityLifetime = Milliseconds(
            try Environment.integer(
                "CARILLON_IDENTITY_LIFETIME",
                flag: options.identityLifetime,
                in: environment,
                default: 10_000,
                range: 0...10_000
            )
        )
    }

    private static func rates(
        _ options: GatewayOptions,
        _ environment: [String: String]
    ) throws(ConfigurationError) -> RateSettings {
        func rate(_ name: String, _ flag: String?, _ burst: String?, _ usual: Rate) throws(ConfigurationError) -> Rate {
            func number(_ kind: String, _ flag: String?, _ usual: Int, least: Int64) throws(ConfigurationError) -> Int {
                Int(
                    try Environment.integer(
                        "CARILLON_\(kind)_\(name)",
                        flag: flag,
                        in: environment,
                        default: Int64(usual),
                        range: least...1_000_000
                    )
                )
            }
            return Rate(
                perSecond: try number("RATE", flag, usual.perSecond, least: 0),
                burst: try number("BURST", burst, usual.burst, least: 1)
            )
        }
        var rates = RateSettings()
        rates.logins = try rate("LOGIN", options.rateLogin, options.burstLogin, rates.logins)
        rates.addresses = try rate("ADDRESS", options.rateAddress, options.burstAddress, rates.addresses)
        rates.customers = try rate("CUSTOMER", options.rateCustomer, options.burstCustomer, rates.customers)
        rates.failures = try rate("FAILURES", options.rateFailures, options.burstFailures, rates.failures)
        return rates
    }

    private static func timeouts(
        _ options: GatewayOptions,
        _ environment: [String: String]
    ) throws(ConfigurationError) -> ConnectionTimeouts {
        func timeout(_ name: String, _ flag: String?, _ usual: Int64) throws(ConfigurationError) -> Duration {
            .milliseconds(
                try Environment.integer(
                    "CARILLON_HTTP_\(name)_TIMEOUT",
                    flag: flag,
                    in: environment,
                    default: usual,
                    range: 100...3_600_000
                )
            )
        }
        var timeouts = ConnectionTimeouts()
        timeouts.head = try timeout("HEAD", options.httpHeadTimeout, 10_000)
        timeouts.body = try timeout("BODY", options.httpBodyTimeout, 30_000)
        timeouts.answer = try timeout("ANSWER", options.httpAnswerTimeout, 30_000)
        timeouts.idle = try timeout("IDLE", options.httpIdleTimeout, 75_000)
        return timeouts
    }

    private static func trustedProxies(
        _ options: GatewayOptions,
        _ environment: [String: String]
    ) throws(ConfigurationError) -> TrustedProxies {
        let setting = Setting("CARILLON_TRUSTED_PROXIES", flag: options.trustedProxies, in: environment)
        var blocks: [AddressBlock] = []
        for text in (setting.value ?? "").split(separator: ",") where !text.trimmed.isEmpty {
            guard let block = AddressBlock(text.trimmed) else {
                throw setting.refusal("give addresses like 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32, with commas between")
            }
            blocks.append(block)
        }
        return TrustedProxies(blocks)
    }

    /// Empty for every origin.
    private static func origins(
        _ options: GatewayOptions,
        _ environment: [String: String]
    ) throws(ConfigurationError) -> [String] {
        let setting = Setting("CARILLON_CORS_ORIGINS", flag: options.corsOrigins, in: environment)
        guard let text = setting.value, text.trimmed != "*" else { return [] }
        let origins = text.split(separator: ",").map { $0.trimmed.lowercased() }.filter { !$0.isEmpty }
        let isRight = origins.allSatisfy { origin in
            ["https://", "http://"].contains { scheme in
                origin.hasPrefix(scheme) && origin.count > scheme.count && !origin.dropFirst(scheme.count).contains("/")
            }
        }
        guard isRight else {
            throw setting.refusal("give origins like https://app.example.com, with commas between, or *")
        }
        return origins
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
