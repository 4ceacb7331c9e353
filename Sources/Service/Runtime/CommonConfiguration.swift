package import AMQP
package import Logging

/// What every daemon is told: flags, then environment, then defaults.
package struct CommonConfiguration: Sendable {
    /// The broker's addresses. They may hold a password: never log them.
    package var amqpURL: String
    /// The option or variable that gave the addresses, for errors.
    package var amqpURLName: String
    /// The files for `amqps://`; nil without TLS.
    package var amqpTLS: TLSOptions?
    package var amqpPrefix: String
    package var dataDirectory: String
    /// Where `/metrics`, `/healthz` and `/readyz` are served; nil for nowhere.
    package var metricsListen: ListenAddress?
    package var logLevel: Logger.Level
    package var logFormat: LogFormat

    static let defaultURL = "amqp://guest:guest@127.0.0.1:5672/%2f"

    package init(options: CommonOptions, environment: [String: String]) throws(ConfigurationError) {
        func setting(_ variable: String, _ flag: String?) -> Setting { Setting(variable, flag: flag, in: environment) }
        let url = setting("CARILLON_AMQP_URL", options.amqpUrl)
        amqpURLName = url.name
        amqpURL = url.value ?? CommonConfiguration.defaultURL
        guard amqpURL.hasPrefix("amqp://") || amqpURL.hasPrefix("amqps://") else {
            // Without the value, which may hold a password.
            throw ConfigurationError(
                "\(url.name) must begin with amqp:// or amqps://, such as \(CommonConfiguration.defaultURL)"
            )
        }
        amqpTLS = try TLSOptions.settings(
            url: amqpURL,
            ca: options.amqpCa,
            certificate: options.amqpCertificate,
            key: options.amqpKey,
            environment: environment
        )
        let prefix = setting("CARILLON_AMQP_PREFIX", options.amqpPrefix)
        amqpPrefix = prefix.value ?? "carillon"
        // A name of the broker has at most 255 bytes; ours follow the prefix.
        guard amqpPrefix.utf8.count <= 100, amqpPrefix.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw prefix.refusal("give up to 100 letters, digits or dots")
        }
        let stateDirectory = environment["STATE_DIRECTORY"]?.split(separator: ":").first.map(String.init)
        dataDirectory = setting("CARILLON_DATA_DIR", options.dataDir).value ?? stateDirectory ?? "./data"
        let listen = setting("CARILLON_METRICS_LISTEN", options.metricsListen)
        if let text = listen.value, text != "off" {
            metricsListen = try ListenAddress(parsing: text, name: listen.name)
        } else {
            metricsListen = nil
        }
        let level = try setting("CARILLON_LOG_LEVEL", options.logLevel)
            .oneOf(default: "info", allowed: Logger.Level.allCases.map(\.rawValue))
        logLevel = Logger.Level(rawValue: level) ?? .info
        let format = try setting("CARILLON_LOG_FORMAT", options.logFormat)
            .oneOf(default: LogFormat.default(environment).rawValue, allowed: LogFormat.allCases.map(\.rawValue))
        logFormat = LogFormat(rawValue: format) ?? .text
    }
}
