import AMQP

/// What `carillon up` was asked to run.
struct PlatformSettings: Sendable {
    var dataDirectory: String
    /// Where the gateway listens, `host:port`; port 0 takes a free one.
    var http = "127.0.0.1:8080"
    /// Somebody else's broker; nil starts a private one.
    var amqpURL: String?
    var amqpTLS: TLSOptions?
    var prefix = "carillon"
    var scenario: String?
    var ledger: String?
    var workers = 1
    /// The environment that the daemons start from.
    var environment: [String: String]
}

/// Where everything is, once all of it is ready.
struct PlatformReport: Sendable {
    var url: String
    var account: FirstAccount
    var amqpURL: String
    var dataDirectory: String
    /// nil when the broker is somebody else's.
    var brokerPID: Int32?
    var gatewayPID: Int32
    var campaignManagerPID: Int32
    var outdialManagerPID: Int32
    var workerPIDs: [Int32]
    /// Whether the account was made just now.
    var isNewAccount: Bool
}
