package import ArgumentParser
package import Service

/// The gateway's command line.
package struct GatewayOptions: DaemonOptions {
    @OptionGroup package var common: CommonOptions

    @Option(
        help: "Where to serve HTTP, HOST:PORT; port 0 takes a free one (CARILLON_HTTP_LISTEN, default 127.0.0.1:8080)."
    )
    package var httpListen: String?

    @Option(help: "How times are written: documented or rfc3339 (CARILLON_TIME_FORMAT, default documented).")
    package var timeFormat: String?

    @Option(help: "A file that gets HOST:PORT once requests are accepted.")
    package var httpPortFile: String?

    package init() {}
}
