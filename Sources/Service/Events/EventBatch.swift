import AMQP
import Contracts

/// The messages of a run of published events: those of one type share a message, and the order of the events of one
/// object stays.
///
/// An event joins the open message of its type unless a later message speaks of the same object. Events that are not
/// frequent keep their place among all others: nothing that came before one is told after it, nor the other way round.
struct EventBatch {
    private struct Draft {
        var type: String
        var id: ID
        var correlation: ID
        var count = 0
        var body: [UInt8] = [UInt8(ascii: "[")]

        var isFull: Bool { count == EventBatch.eventsPerMessage || body.count >= EventBatch.bytesPerMessage }
    }

    /// Well below the broker's limits, and a listener's turn stays short.
    static let eventsPerMessage = 100
    static let bytesPerMessage = 256 << 10

    let exchange: String
    private var drafts: [Draft] = []
    /// The newest message of each type.
    private var newest: [String: Int] = [:]
    /// The newest message that speaks of an object.
    private var latest: [ID: Int] = [:]
    /// No event may join a message before this one.
    private var floor = 0
    private(set) var byteCount = 0

    init(exchange: String) { self.exchange = exchange }

    mutating func add(_ event: PublishedEvent, isFrequent: Bool) {
        let index = place(event, isFrequent: isFrequent)
        latest[event.subject] = index
        let before = drafts[index].body.count
        if drafts[index].count > 0 { drafts[index].body.append(UInt8(ascii: ",")) }
        event.write(into: &drafts[index].body)
        drafts[index].count += 1
        byteCount += drafts[index].body.count - before
        if !isFrequent { floor = index }
    }

    private mutating func place(_ event: PublishedEvent, isFrequent: Bool) -> Int {
        // What is not frequent may join the last message only.
        let lowest = isFrequent ? max(floor, latest[event.subject] ?? 0) : drafts.count - 1
        if let index = newest[event.type], index >= lowest, !drafts[index].isFull { return index }
        drafts.append(Draft(type: event.type, id: event.id, correlation: event.correlation))
        newest[event.type] = drafts.count - 1
        return drafts.count - 1
    }

    /// The messages in the order in which they have to be published. The broker returns those that nobody takes.
    consuming func messages() -> [OutgoingMessage] {
        drafts.map { draft in
            var body = draft.body
            if draft.count == 1 { body.removeFirst() } else { body.append(UInt8(ascii: "]")) }
            return OutgoingMessage(
                exchange: exchange,
                routingKey: draft.type,
                body: body,
                messageID: draft.id.description,
                correlationID: draft.count == 1 ? draft.correlation.description : nil,
                contentType: draft.count == 1 ? CallEvent.contentType : CallEvent.batchContentType,
                mandatory: true
            )
        }
    }
}
