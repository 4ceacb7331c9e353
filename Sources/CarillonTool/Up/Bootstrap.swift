import AMQP
import Contracts
import Logging

/// Asks campaign-manager for the first account, over the bus.
enum Bootstrap {
    /// Makes the account; asked again until campaign-manager answers or `limit` has passed.
    static func make(
        _ account: FirstAccount,
        _ settings: PlatformSettings,
        amqpURL: String,
        limit: Duration
    ) async throws {
        var configuration: AMQPConfiguration
        do {
            configuration = try AMQPConfiguration(url: amqpURL, connectionName: "carillon-up")
            configuration.tls = settings.amqpTLS
        } catch {
            throw ToolError.configuration(error.message)
        }
        // What it logs about reconnecting is said by the error at the end.
        let logger = Logger(label: "carillon-up") { _ in SwiftLogNoOpLogHandler() }
        let client = AMQPClient(configuration: configuration, topology: Topology(), logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            do {
                try await client.waitUntilReady(timeout: .seconds(10))
                try await ask(account, client, prefix: settings.prefix, limit: limit)
            } catch {
                await client.shutDown()
                group.cancelAll()
                throw error
            }
            await client.shutDown()
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
    }

    private static func ask(_ account: FirstAccount, _ client: AMQPClient, prefix: String, limit: Duration) async throws
    {
        var ids = IDGenerator()
        let request = Request(
            method: "account.bootstrap",
            customerID: .none,
            actor: "system",
            correlation: ids.next(at: .now()),
            params: account.bootstrap
        )
        let queue = BusNames(prefix: prefix).requests(.campaign)
        let end = ContinuousClock.now + limit
        while true {
            try Task.checkCancellation()
            do {
                let answer = try await client.call(routingKey: queue, body: request.json.bytes, timeout: .seconds(3))
                _ = try Reply(json: try JSONValue(parsing: answer)).get()
                return
            } catch let refusal as Refusal {
                // Refusals for now pass; any other one says what is wrong.
                guard refusal.status == .unavailable, ContinuousClock.now < end else {
                    throw ToolError.failed("the first account was refused: \(refusal.message)")
                }
            } catch let error as AMQPError {
                guard error.isRetriable, ContinuousClock.now < end else {
                    throw ToolError.failed("campaign-manager does not answer: \(error.message)")
                }
            } catch let error as JSONError {
                throw ToolError.failed("campaign-manager's answer cannot be understood: \(error.message)")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
