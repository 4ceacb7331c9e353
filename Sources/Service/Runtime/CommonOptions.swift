package import ArgumentParser

/// The options of every daemon.
///
/// All are text and may be absent: ``CommonConfiguration`` then asks the environment, and words every error alike.
package struct CommonOptions: ParsableArguments, Sendable {
    @Option(
        help: ArgumentHelp(
            "The broker: amqp:// or amqps://, several separated by commas (CARILLON_AMQP_URL, \(CommonConfiguration.defaultURL)).",
            valueName: "url"
        )
    )
    package var amqpUrl: String?

    @Option(
        help: ArgumentHelp(
            "The authorities to trust with amqps://, a PEM file (CARILLON_AMQP_CA, the system's).",
            valueName: "file"
        )
    )
    package var amqpCa: String?

    @Option(
        help: ArgumentHelp(
            "The certificate to show to the broker, a PEM file (CARILLON_AMQP_CERTIFICATE, none).",
            valueName: "file"
        )
    )
    package var amqpCertificate: String?

    @Option(help: ArgumentHelp("The certificate's key, a PEM file (CARILLON_AMQP_KEY, none).", valueName: "file"))
    package var amqpKey: String?

    @Option(
        help: ArgumentHelp("The prefix of exchanges and queues (CARILLON_AMQP_PREFIX, carillon).", valueName: "prefix")
    )
    package var amqpPrefix: String?

    @Option(
        help: ArgumentHelp(
            "The directory of the logs (CARILLON_DATA_DIR, $STATE_DIRECTORY, else ./data).",
            valueName: "directory"
        )
    )
    package var dataDir: String?

    @Option(
        help: ArgumentHelp(
            "Serve /metrics, /healthz and /readyz here; port 0 takes a free one (CARILLON_METRICS_LISTEN, off).",
            valueName: "host:port"
        )
    )
    package var metricsListen: String?

    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical (CARILLON_LOG_LEVEL, info).",
            valueName: "level"
        )
    )
    package var logLevel: String?

    @Option(
        help: ArgumentHelp(
            "text, json or journal (CARILLON_LOG_FORMAT, text on a terminal, journal below systemd, else json).",
            valueName: "format"
        )
    )
    package var logFormat: String?

    @Flag(help: "Show the version.")
    package var version = false

    package init() {}
}

/// The options of one daemon, the common ones among them.
package protocol DaemonOptions: ParsableArguments, Sendable {
    var common: CommonOptions { get }
}
