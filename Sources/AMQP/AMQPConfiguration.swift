/// Where the broker is and how to speak to it.
package struct AMQPConfiguration: Sendable {
    /// One broker node.
    package struct Host: Sendable, Hashable {
        package var name: String
        package var port: Int

        package init(name: String, port: Int) {
            self.name = name
            self.port = port
        }
    }

    /// The nodes, tried in turn.
    package var hosts: [Host]
    package var user: String
    package var password: String
    package var virtualHost: String
    /// nil speaks plain TCP.
    package var tls: TLSOptions?
    /// The interval that is asked for; half of it idle sends a heartbeat, twice of it silent ends the connection.
    package var heartbeat: Duration = .seconds(10)
    /// The limit for connecting and for each step of the handshake.
    package var connectTimeout: Duration = .seconds(5)
    /// How long to wait at most before the first and before any further attempt to connect or to open a channel. The
    /// limit doubles from one to the other; the wait is random below it.
    package var retryDelay: ClosedRange<Duration> = .milliseconds(100) ... .seconds(10)
    /// The name that an operator sees in the broker's list of connections.
    package var connectionName: String

    /// Reads `amqp://user:password@host:port,host:port/virtual-host`, or several whole URLs separated by commas.
    ///
    /// User, password and virtual host are percent decoded; they default to `guest`, `guest` and `/`. All URLs of a list
    /// agree in scheme, user, password and virtual host.
    /// - Throws: `AMQPError.Code.invalidURL`, naming what is wrong and never holding the password.
    package init(url: String, connectionName: String) throws(AMQPError) {
        let parts = try BrokerURL.parse(list: url)
        self.hosts = parts.hosts
        self.user = parts.user
        self.password = parts.password
        self.virtualHost = parts.virtualHost
        self.tls = parts.isSecure ? TLSOptions() : nil
        self.connectionName = connectionName
    }

    /// The address without the password, for logs.
    package var redactedURL: String {
        let list = hosts.map(\.description).joined(separator: ",")
        return "\(scheme)://\(user):***@\(list)/\(BrokerURL.percentEncoded(virtualHost))"
    }

    /// The address of one node without user and password, for errors.
    func address(of host: Host) -> String { "\(scheme)://\(host)" }

    private var scheme: String { tls == nil ? "amqp" : "amqps" }
}

extension AMQPConfiguration.Host: CustomStringConvertible {
    package var description: String { name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)" }
}

/// Files for `amqps://`; the server's certificate and host name are always verified.
package struct TLSOptions: Sendable, Hashable {
    /// PEM file of the authorities to trust; nil trusts those of the system.
    package var caFile: String?
    /// PEM chain to show to the broker, with `keyFile`.
    package var certificateFile: String?
    /// PEM key that belongs to `certificateFile`.
    package var keyFile: String?

    package init(caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}
