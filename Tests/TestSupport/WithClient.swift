package import AMQP
import Logging

/// Runs a client for the length of `body`, and ends it whatever happens.
package func withClient<Result: Sendable>(
    _ url: String,
    name: String = "tests",
    topology: Topology = Topology(),
    change: (inout AMQPConfiguration) -> Void = { _ in },
    _ body: (AMQPClient) async throws -> Result
) async throws -> Result {
    var configuration = try AMQPConfiguration(url: url, connectionName: name)
    change(&configuration)
    let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
    let client = AMQPClient(configuration: configuration, topology: topology, logger: logger)
    let running = Task { try await client.run() }
    do {
        let result = try await body(client)
        await client.shutDown()
        try await running.value
        return result
    } catch {
        await client.shutDown()
        throw error
    }
}
