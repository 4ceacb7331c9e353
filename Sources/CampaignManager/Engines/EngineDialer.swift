package import AMQP
package import Contracts
package import Logging
import Service

/// Publishes commands to other dialing engines, each once, ever.
///
/// A turn hands a command over after the commit that made its attempt, and nothing else ever does: not a restart, not a
/// second turn. What dies between that commit and the broker's confirm was published or was not; nobody can tell, so it
/// is never published again, and ends as `outcome_unknown` unless the engine reports it.
package struct EngineDialer: Sendable {
    let client: AMQPClient
    let names: BusNames
    let logger: Logger
    let clock: @Sendable () -> Timestamp

    package init(client: AMQPClient, names: BusNames, logger: Logger, clock: @escaping @Sendable () -> Timestamp) {
        self.client = client
        self.names = names
        self.logger = logger
        self.clock = clock
    }

    private static let confirmTimeout = Duration.seconds(10)

    /// What went wrong; nil once the broker has the command.
    func dial(_ command: EngineCommand) async -> EngineCommand.Failure? {
        let now = clock()
        // Not connected: nothing leaves this process.
        guard client.isReady, now < command.command.startBy else { return .notSent }
        switch await client.publish([message(command, now)], timeout: EngineDialer.confirmTimeout).first {
        case .acked: return nil
        case .returned(_, let text):
            logger.warning("a command has no queue", metadata: ["route": "\(command.route)", "text": "\(text)"])
            return .notSent
        case .nacked: return .notSent
        case .unknown, nil: return .unconfirmed
        }
    }

    private func message(_ command: EngineCommand, _ now: Timestamp) -> OutgoingMessage {
        OutgoingMessage(
            routingKey: names.dial(route: command.route),
            body: command.command.callDial(correlation: command.correlation, at: now).bytes,
            messageID: command.command.attempt.description,
            correlationID: command.correlation.description,
            contentType: CallEvent.contentType,
            type: DialCommand.engineType,
            // All of a queue have the same, so that none waits behind one that may wait longer. In the message, since a
            // queue's own could not be changed without deleting the queue.
            expirationMilliseconds: Int(max(1, (command.command.startBy - now).count)),
            mandatory: true
        )
    }
}
