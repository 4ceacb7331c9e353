import AMQP
import Contracts
import Logging
import OutboundHTTP
import Service
import ServiceLifecycle

/// Tells customers over HTTP what happens to their objects.
///
/// One queue of the installation, `<prefix>.webhooks`, holds the published events of both managers; the desk keeps those
/// of customers with a webhook in its store, acknowledges, and has a courier of each customer deliver them. So an
/// endpoint that is down holds up nobody else's: it has neither a message of the queue nor a slot that others need. Since
/// events are made only for types that somebody is bound to, the queue is bound only while some customer has a webhook.
package final class WebhookDesk: ServiceLifecycle.Service {
    private struct State {
        var addresses: [ID: WebhookAddress] = [:]
        /// The customers whose courier is under way.
        var couriers: Set<ID> = []
    }

    private enum Word {
        case refresh
        case waiting(Set<ID>)
    }

    private let store: WebhookStore
    private let addresses: @Sendable () throws -> [ID: WebhookAddress]
    private let http: GuardedClient
    private let client: AMQPClient
    private let names: BusNames
    private let logger: Logger
    private let clock: @Sendable () -> Timestamp
    private let state = Locked(State())
    private let changes = WebhookChanges()
    private let words: AsyncStream<Word>
    private let say: AsyncStream<Word>.Continuation

    init(
        store: WebhookStore,
        addresses: @escaping @Sendable () throws -> [ID: WebhookAddress],
        http: GuardedClient,
        client: AMQPClient,
        names: BusNames,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp = Clock.wall
    ) {
        self.store = store
        self.addresses = addresses
        self.http = http
        self.client = client
        self.names = names
        self.logger = logger
        self.clock = clock
        (words, say) = AsyncStream.makeStream()
    }

    /// Somebody's webhook was set, changed or taken away.
    func refresh() { say.yield(.refresh) }

    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                refresh()
                say.yield(.waiting((try? await store.customers()) ?? []))
                var isListening = false
                for await word in words {
                    switch word {
                    case .refresh:
                        await readAddresses()
                        guard await bindOrUnbind(), !isListening else { continue }
                        isListening = true
                        group.addTask { await self.listen() }
                    case .waiting(let customers):
                        for customer in customers where begin(customer) {
                            group.addTask { await self.serve(customer) }
                        }
                    }
                }
                group.cancelAll()
            }
        }
        await http.shutDown()
    }

    // MARK: - Whose events, and whether any

    private func readAddresses() async {
        while !Task.isCancelled {
            do {
                let found = try addresses()
                state.withLock { $0.addresses = found }
                changes.announce()
                return
            } catch {
                logger.error("cannot read the webhooks of customers, trying again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// True once the queue is bound; false when nobody has a webhook.
    private func bindOrUnbind() async -> Bool {
        let binding = Binding(queue: names.webhooks, exchange: names.events, routingKey: "#")
        while !Task.isCancelled {
            let isWanted = state.withLock { !$0.addresses.isEmpty }
            do {
                if isWanted {
                    try await client.declare(
                        Topology(
                            exchanges: [Exchange(name: names.events, kind: .topic, durable: true)],
                            queues: [.durable(names.webhooks)],
                            bindings: [binding]
                        ),
                        timeout: .seconds(10)
                    )
                } else {
                    try await client.unbind(binding, timeout: .seconds(10))
                }
                return isWanted
            } catch {
                // The broker is away; a queue that does not exist has no binding.
                guard isWanted || (error as? AMQPError)?.isRetriable == true else { return false }
                logger.info("cannot bind the queue of webhooks, trying again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
        return false
    }

    // MARK: - Taking in

    private func listen() async {
        for await batch in client.consume(queue: names.webhooks, prefetch: 20) {
            let known = state.withLock { Set($0.addresses.keys) }
            let events = batch.flatMap { WebhookDesk.events(in: $0, of: known) }
            do {
                if !events.isEmpty {
                    let dropped = try await store.add(events, at: clock())
                    if dropped > 0 {
                        logger.warning("dropped the oldest of too many webhooks", metadata: ["count": "\(dropped)"])
                    }
                    say.yield(.waiting(Set(events.map(\.customer))))
                }
                batch.acknowledgeAll()
            } catch {
                // The broker delivers them again: a disk that is full may have room then.
                logger.error("cannot keep webhooks, trying again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
                for delivery in batch { delivery.reject(requeue: true) }
            }
            if Task.isCancelled { return }
        }
    }

    private static func events(in delivery: Delivery, of known: Set<ID>) -> [WebhookStore.Event] {
        guard let json = try? JSONValue(parsing: delivery.body) else { return [] }
        return (json.array ?? [json]).compactMap { document in
            guard let customer = document["customerid"].id, known.contains(customer), let event = document["id"].id
            else { return nil }
            return WebhookStore.Event(
                customer: customer,
                event: event,
                subject: document["subject"].string ?? "",
                type: document["type"].string ?? "",
                document: document.bytes
            )
        }
    }

    // MARK: - Delivering

    private func begin(_ customer: ID) -> Bool { state.withLock { $0.couriers.insert(customer).inserted } }

    private func serve(_ customer: ID) async {
        let courier = WebhookCourier(
            customer: customer,
            store: store,
            http: http,
            logger: logger,
            clock: clock,
            address: { [state] in state.withLock { $0.addresses[customer] } },
            changes: changes
        )
        do {
            try await courier.run()
        } catch is CancellationError {
            return
        } catch {
            logger.error("webhooks of a customer stopped, trying again", metadata: ["error": "\(error)"])
            try? await Task.sleep(for: .seconds(1))
        }
        state.withLock { _ = $0.couriers.remove(customer) }
        // What came between its last look and now.
        if let waiting = try? await store.next(of: customer, limit: 1), !waiting.isEmpty {
            say.yield(.waiting([customer]))
        }
    }
}
