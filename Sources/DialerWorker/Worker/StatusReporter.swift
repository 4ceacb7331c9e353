package import AMQP
package import Contracts
import Service
import ServiceLifecycle

/// Says that the worker's status should be told now; many times before the next telling count once.
package final class StatusSource: Sendable {
    let changes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    package init() {
        (changes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func changed() { continuation.yield() }
}

/// Has the journal accepted, then tells campaign-manager that this worker lives and how many channels are free: every five
/// seconds, and at once when that matters. A status is news and not an order, so it is neither logged nor kept for long.
package struct StatusReporter: ServiceLifecycle.Service {
    /// How often without any change; a worker that is silent for four of these counts as lost.
    static let interval = Duration.seconds(5)
    /// The least time between two, for a worker that is just at its limit.
    static let pause = Duration.milliseconds(50)

    /// How long one telling may take, the wait for the publisher and that for the broker each.
    static let patience = Duration.seconds(3)

    let worker: Worker
    let registration: Registration
    let order: StatusOrder
    let identity: WorkerIdentity
    let client: AMQPClient
    let names: BusNames
    let clock: @Sendable () -> Timestamp

    package init(
        worker: Worker,
        registration: Registration,
        order: StatusOrder,
        identity: WorkerIdentity,
        client: AMQPClient,
        names: BusNames,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.worker = worker
        self.registration = registration
        self.order = order
        self.identity = identity
        self.client = client
        self.names = names
        self.clock = clock
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await registration.run(status(at: worker.journalPosition))
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        worker.status.changed()
                        // Until the broker is there, look for it often: the first status should not be late.
                        try? await Task.sleep(for: client.isReady ? StatusReporter.interval : .milliseconds(100))
                    }
                }
                for await _ in worker.status.changes {
                    if client.isReady { await tell() }
                    try? await Task.sleep(for: StatusReporter.pause)
                }
            }
        }
    }

    /// Tells the status as it is now, once the journal is accepted.
    package func tell() async {
        guard registration.acceptance.isGiven else { return }
        await order.tell(limit: StatusReporter.patience) { head in
            // On the publisher's own channel, so that what is published after it arrives after it.
            _ = await client.publish([message(head: head)], timeout: StatusReporter.patience)
        }
    }

    private func message(head: Int64) -> OutgoingMessage {
        var ids = IDGenerator()
        let id = ids.next(at: clock())
        let item = Item(id: id, correlation: id, body: .workerStatus(status(at: head)))
        return OutgoingMessage(
            routingKey: names.inbox(.campaign),
            body: Item.message([item]),
            messageID: id.description,
            expirationMilliseconds: 10_000,
            persistent: false
        )
    }

    private func status(at position: Int64) -> WorkerStatus {
        WorkerStatus(
            worker: identity.id,
            journal: worker.journal,
            process: identity.process,
            route: identity.route,
            channels: worker.channels,
            free: worker.free,
            version: identity.version,
            sequence: position,
            isLeaving: worker.isLeaving
        )
    }
}

/// Which worker this is, and for which calls.
package struct WorkerIdentity: Hashable, Sendable {
    package var id: String
    package var route: String
    /// The version of the code.
    package var version: String
    /// Another one for each start.
    package let process: ID

    package init(id: String, route: String, version: String) {
        var ids = IDGenerator()
        process = ids.next(at: Clock.wall())
        self.id = id
        self.route = route
        self.version = version
    }
}
