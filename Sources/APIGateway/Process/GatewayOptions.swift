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

    @Option(help: "Requests a second of one address to /auth/*; 0 for no limit (CARILLON_RATE_LOGIN, 10).")
    package var rateLogin: String?

    @Option(help: "As many at once after a pause (CARILLON_BURST_LOGIN, 20).")
    package var burstLogin: String?

    @Option(help: "Requests a second of one address; 0 for no limit (CARILLON_RATE_ADDRESS, 1000).")
    package var rateAddress: String?

    @Option(help: "As many at once after a pause (CARILLON_BURST_ADDRESS, 2000).")
    package var burstAddress: String?

    @Option(help: "Requests a second of one customer; 0 for no limit (CARILLON_RATE_CUSTOMER, 1000).")
    package var rateCustomer: String?

    @Option(help: "As many at once after a pause (CARILLON_BURST_CUSTOMER, 2000).")
    package var burstCustomer: String?

    @Option(help: "Wrong credentials a second of one address; 0 for no limit (CARILLON_RATE_FAILURES, 20).")
    package var rateFailures: String?

    @Option(help: "As many at once after a pause (CARILLON_BURST_FAILURES, 40).")
    package var burstFailures: String?

    @Option(
        help: """
            Addresses and blocks (10.0.0.0/8) of proxies whose X-Forwarded-For is believed, with commas \
            (CARILLON_TRUSTED_PROXIES, none).
            """
    )
    package var trustedProxies: String?

    @Option(
        help: "Origins whose pages may read answers, with commas; * for all (CARILLON_CORS_ORIGINS, default *)."
    )
    package var corsOrigins: String?

    @Option(
        help:
            "Milliseconds that an identity is believed before it is asked for again (CARILLON_IDENTITY_LIFETIME, 10000)."
    )
    package var identityLifetime: String?

    @Option(help: "Milliseconds for the head of a request (CARILLON_HTTP_HEAD_TIMEOUT, 10000).")
    package var httpHeadTimeout: String?

    @Option(help: "Milliseconds without a byte of a body (CARILLON_HTTP_BODY_TIMEOUT, 30000).")
    package var httpBodyTimeout: String?

    @Option(help: "Milliseconds without taking a byte of an answer (CARILLON_HTTP_ANSWER_TIMEOUT, 30000).")
    package var httpAnswerTimeout: String?

    @Option(help: "Milliseconds between two requests of a connection (CARILLON_HTTP_IDLE_TIMEOUT, 75000).")
    package var httpIdleTimeout: String?

    @Option(help: "How many connections are served at once (CARILLON_HTTP_CONNECTIONS, 4096).")
    package var httpConnections: String?

    @Option(help: "A file that gets HOST:PORT once requests are accepted.")
    package var httpPortFile: String?

    package init() {}
}
