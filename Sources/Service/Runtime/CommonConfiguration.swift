package import ArgumentParser
package import Logging

/// The options of every daemon.
package struct CommonOptions: ParsableArguments, Sendable {
    @Option(help: "The broker: amqp:// or amqps://, several separated by commas (CARILLON_AMQP_URL, amqp://guest:guest@127.0.0.1:5672/%2f).")
    package var amqpUrl: String?

    @Option(help: "The prefix of exchanges and queues (CARILLON_AMQP_PREFIX, carillon).")
    package var amqpPrefix: String?

    @Option(help: "The directory of the logs (CARILLON_DATA_DIR, $STATE_DIRECTORY, ./data).")
    package var dataDir: String?

    @Option(help: "HOST:PORT of /metrics, /healthz and /readyz (CARILLON_METRICS_LISTEN, off).")
    package var metricsListen: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical (CARILLON_LOG_LEVEL, info).")
    package var logLevel: String?

    @Option(help: "text, json or journal (CARILLON_LOG_FORMAT, text on a terminal, else json).")
    package var logFormat: String?

    package init() {}
}

/// The options of one daemon, the common ones among them.
package protocol DaemonOptions: ParsableArguments, Sendable {
    var common: CommonOptions { get }
}

/// What every daemon is told: flags, then environment, then defaults.
package struct CommonConfiguration: Sendable {
    package var amqpURL: String
    package var amqpPrefix: String
    package var dataDirectory: String
    package var metricsListen: ListenAddress?
    package var logLevel: Logger.Level
    package var logFormat: LogFormat

    package init(options: CommonOptions, environment: [String: String]) throws(ConfigurationError) {
        func text(_ name: String, _ flag: String?) -> String? { Environment.text(name, flag: flag, in: environment) }
        amqpURL = text("CARILLON_AMQP_URL", options.amqpUrl) ?? "amqp://guest:guest@127.0.0.1:5672/%2f"
        amqpPrefix = text("CARILLON_AMQP_PREFIX", options.amqpPrefix) ?? "carillon"
        guard amqpPrefix.utf8.count <= 100, amqpPrefix.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ConfigurationError("CARILLON_AMQP_PREFIX is \"\(amqpPrefix)\"; give up to 100 letters, digits or dots")
        }
        let stateDirectory = environment["STATE_DIRECTORY"]?.split(separator: ":").first.map(String.init)
        dataDirectory = text("CARILLON_DATA_DIR", options.dataDir) ?? stateDirectory ?? "./data"
        if let listen = text("CARILLON_METRICS_LISTEN", options.metricsListen), listen != "off" {
            metricsListen = try ListenAddress(parsing: listen, name: "CARILLON_METRICS_LISTEN")
        } else {
            metricsListen = nil
        }
        let level = try Environment.oneOf(
            "CARILLON_LOG_LEVEL", flag: options.logLevel, in: environment, default: "info",
            allowed: Logger.Level.allCases.map(\.rawValue)
        )
        logLevel = Logger.Level(rawValue: level) ?? .info
        let format = try Environment.oneOf(
            "CARILLON_LOG_FORMAT", flag: options.logFormat, in: environment,
            default: LogFormat.default(environment).rawValue, allowed: LogFormat.allCases.map(\.rawValue)
        )
        logFormat = LogFormat(rawValue: format) ?? .text
    }
}
