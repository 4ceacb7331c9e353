package import AMQP
package import Contracts

/// What one event implies for the bus.
package enum Dispatch: Sendable {
    /// For the queue of one daemon of ours; adjacent ones share a message, order per queue is kept.
    case item(Item, queue: String, isRequired: Bool)
    /// For everybody who follows calls; those of one type share a message. There is one such exchange.
    case callEvent(CallEvent, exchange: String)
    /// A message of its own; when required, it is repeated until somebody has its queue.
    case message(OutgoingMessage, isRequired: Bool = false)

    /// To a manager's inbox: the cursor waits until somebody has declared it.
    package static func toManager(_ item: Item, _ manager: Manager, names: BusNames) -> Dispatch {
        .item(item, queue: names.inbox(manager), isRequired: true)
    }

    /// To a worker: a queue that is gone holds nothing up, the attempt's deadline settles it.
    package static func toWorker(_ item: Item, journal: ID, names: BusNames) -> Dispatch {
        .item(item, queue: names.worker(journal: journal), isRequired: false)
    }
}

/// The messages of a run of events: items of one queue gathered, in order.
struct DispatchBatch {
    struct Entry {
        var message: OutgoingMessage
        /// Whether a return (nobody has the queue) is tried again.
        var isRequired: Bool
    }

    private(set) var entries: [Entry] = []
    private var open: [String: (items: [Item], isRequired: Bool)] = [:]
    private var order: [String] = []
    private var callEvents: [CallEvent.Kind: [CallEvent]] = [:]
    private var exchange = ""
    /// The broker's user that reports of calls are signed with: who may speak for a call is checked by it.
    private let user: String?

    /// Keeps messages well below the broker's limits and a receiver's turn short.
    static let itemsPerMessage = 100

    init(user: String? = nil) { self.user = user }

    mutating func add(_ dispatch: Dispatch) {
        switch dispatch {
        case .message(let message, let isRequired): entries.append(Entry(message: message, isRequired: isRequired))
        case .item(let item, let queue, let isRequired):
            if open[queue] == nil { order.append(queue) }
            open[queue, default: ([], isRequired)].items.append(item)
            if open[queue]?.items.count == DispatchBatch.itemsPerMessage { close(queue) }
        case .callEvent(let event, let exchange):
            self.exchange = exchange
            callEvents[event.kind, default: []].append(event)
        }
    }

    mutating func finish() {
        for queue in order { close(queue) }
        order.removeAll()
        // In the order in which they happen to a call, so that nobody hears of its end first.
        for kind in CallEvent.Kind.allCases {
            var events = callEvents.removeValue(forKey: kind)?[...] ?? []
            while !events.isEmpty {
                add(kind, Array(events.prefix(DispatchBatch.itemsPerMessage)))
                events = events.dropFirst(DispatchBatch.itemsPerMessage)
            }
        }
    }

    private mutating func add(_ kind: CallEvent.Kind, _ events: [CallEvent]) {
        let message = OutgoingMessage(
            exchange: exchange,
            routingKey: kind.rawValue,
            body: CallEvent.message(events),
            messageID: events.first?.id?.description,
            correlationID: events.count == 1 ? events.first?.correlation.description : nil,
            contentType: events.count == 1 ? CallEvent.contentType : CallEvent.batchContentType,
            mandatory: true,
            userID: user
        )
        // Nobody but campaign-manager may be listening, and it must hear: wait until its queue is there.
        entries.append(Entry(message: message, isRequired: true))
    }

    private mutating func close(_ queue: String) {
        guard let (items, isRequired) = open[queue], let first = items.first else { return }
        open[queue] = ([], isRequired)
        let message = OutgoingMessage(
            routingKey: queue,
            body: Item.message(items),
            messageID: first.id.description,
            mandatory: true
        )
        entries.append(Entry(message: message, isRequired: isRequired))
    }
}
