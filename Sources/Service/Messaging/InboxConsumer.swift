package import AMQP
package import Contracts
import FaultInjection
import Foundation
package import Logging
import Metrics
import ServiceLifecycle

/// One message of a durable inbox, read: to be acknowledged when all of it is committed.
package struct IncomingMessage: Sendable {
    package enum Content: Sendable {
        case items([Item])
        case callEvents([CallEvent])
    }

    package let content: Content
    private let delivery: Delivery
    /// False for a copy that a test adds: its original is acknowledged.
    private var isOriginal = true

    init(content: Content, delivery: Delivery) {
        self.content = content
        self.delivery = delivery
    }

    /// The items, when it holds any.
    package var items: [Item] {
        if case .items(let items) = content { items } else { [] }
    }

    /// Has the broker forget it: all that it says is committed.
    package func acknowledge() {
        passCrashPoints(.beforeAcknowledge)
        if isOriginal { delivery.acknowledge() }
        passCrashPoints(.afterAcknowledge)
    }

    /// Acknowledges all of `messages`, in as few frames as possible.
    package static func acknowledge(_ messages: [IncomingMessage]) {
        for message in messages { message.passCrashPoints(.beforeAcknowledge) }
        messages.filter(\.isOriginal).map(\.delivery).acknowledgeAll()
        for message in messages { message.passCrashPoints(.afterAcknowledge) }
    }

    fileprivate var copy: IncomingMessage {
        var copy = self
        copy.isOriginal = false
        return copy
    }

    fileprivate func passCrashPoints(_ point: CrashPoint) {
        guard point.isArmed else { return }
        switch content {
        case .items(let items): for item in items { point.pass(item.kind) }
        case .callEvents(let events): for event in events { point.pass(event.kind.rawValue) }
        }
    }
}

/// Takes messages of a durable inbox and hands them on in batches; what cannot be understood is parked, never dropped.
package struct InboxConsumer: ServiceLifecycle.Service {
    /// Takes a batch; false when its queue is full, then it is offered again.
    package typealias Sink = @Sendable ([IncomingMessage]) -> Bool

    let queue: String
    let names: BusNames
    let client: AMQPClient
    let logger: Logger
    let clock: @Sendable () -> Timestamp
    let prefetch: Int
    let sink: Sink

    package init(
        queue: String,
        names: BusNames,
        client: AMQPClient,
        logger: Logger,
        prefetch: Int = 100,
        clock: @escaping @Sendable () -> Timestamp = Clock.wall,
        sink: @escaping Sink
    ) {
        self.queue = queue
        self.names = names
        self.client = client
        self.logger = logger
        self.clock = clock
        self.prefetch = prefetch
        self.sink = sink
    }

    package func run() async throws {
        var faults = DeliveryFaults()
        for await batch in client.consume(queue: queue, prefetch: prefetch).cancelOnGracefulShutdown() {
            var messages: [IncomingMessage] = []
            messages.reserveCapacity(batch.count)
            for delivery in batch {
                do throws(JSONError) {
                    let (content, rejected) = try read(delivery)
                    // All of it parked before the rest is acknowledged; else the message comes again.
                    var isParked = true
                    for (document, error) in rejected where isParked {
                        isParked = await park(document.bytes, of: delivery, reason: error.message)
                    }
                    if isParked { messages.append(IncomingMessage(content: content, delivery: delivery)) }
                } catch {
                    if await park(delivery.body, of: delivery, reason: error.message) { delivery.acknowledge() }
                }
            }
            for message in messages { message.passCrashPoints(.onDelivery) }
            if faults != nil { messages = sendLate(&faults, messages) }
            try await offer(messages)
        }
    }

    private func offer(_ messages: [IncomingMessage]) async throws {
        while !messages.isEmpty, !sink(messages) {
            // The prefetch holds further messages back while the writer catches up.
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// What of `messages` arrives now; the rest is offered later.
    private func sendLate(_ faults: inout DeliveryFaults?, _ messages: [IncomingMessage]) -> [IncomingMessage] {
        var now: [IncomingMessage] = []
        for arrival in faults?.arrivals(of: messages) ?? [] {
            let message = arrival.isCopy ? arrival.message.copy : arrival.message
            if arrival.delay == 0 {
                now.append(message)
            } else {
                Task {
                    try await Task.sleep(for: .milliseconds(arrival.delay))
                    try await offer([message])
                }
            }
        }
        return now
    }

    /// What the broker vouches for nobody of: believed unless `CARILLON_WORKER_USERS`, or the users of its route, are set.
    private let unsignedEvents = Counter(label: "carillon_call_events_unsigned_total")

    private typealias Rejected = [(document: JSONValue, error: JSONError)]

    private func read(_ delivery: Delivery) throws(JSONError) -> (IncomingMessage.Content, Rejected) {
        let json = try JSONValue(parsing: delivery.body)
        if json["items"].array != nil {
            // Who may report calls must not be able to say what only daemons of ours say.
            guard delivery.exchange.isEmpty else { throw JSONError("items came over the exchange of call events") }
            return (.items(try Item.items(of: json)), [])
        }
        var reading = try CallEvent.read(json, receivedAt: clock())
        if delivery.userID == nil { unsignedEvents.increment(by: reading.events.count) }
        for index in reading.events.indices { reading.events[index].user = delivery.userID }
        return (.callEvents(reading.events), reading.rejected)
    }

    /// True once it is confirmed: acknowledged only then, it is in one queue or the other at every moment.
    private func park(_ body: [UInt8], of delivery: Delivery, reason: String) async -> Bool {
        logger.warning("parked a message that could not be understood", metadata: ["reason": .string(reason)])
        let envelope: JSONValue = [
            "queue": .string(queue), "reason": .string(reason), "routing_key": .string(delivery.routingKey),
            "message_id": .optional(delivery.messageID), "parked_at": .string(clock().rfc3339),
            "body_base64": .string(Data(body).base64EncodedString()),
        ]
        let message = OutgoingMessage(routingKey: names.parked, body: envelope.bytes, mandatory: true)
        while !Task.isCancelled {
            if await client.publish([message], timeout: .seconds(10)).first == .acked { return true }
            try? await Task.sleep(for: .milliseconds(200))
        }
        return false
    }
}
