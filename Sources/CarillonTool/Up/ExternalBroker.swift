import AMQP

/// A broker that somebody else runs.
enum ExternalBroker {
    /// Waits up to five seconds for one of its nodes to accept connections; throws one line when none does.
    static func check(_ url: String) async throws {
        let configuration: AMQPConfiguration
        do {
            configuration = try AMQPConfiguration(url: url, connectionName: "carillon-up")
        } catch {
            throw ToolError.configuration("--amqp-url: \(error.message)")
        }
        let end = ContinuousClock.now + .seconds(5)
        while true {
            for host in configuration.hosts where FreePort.accepts(host: host.name, port: host.port) { return }
            guard ContinuousClock.now < end else {
                throw ToolError.failed(
                    "no broker answers at \(configuration.redactedURL); start it, or leave --amqp-url out for a private one"
                )
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}
