import Contracts
import Service

/// What a queue of the broker holds: first in, first out, at least once.
struct Mailbox {
    enum Letter {
        case item(Item)
        case call(CallEvent)
    }

    private(set) var letters: [Letter] = []
    /// Nothing is handed out before this moment.
    var heldUntil = Timestamp(microseconds: 0)

    mutating func post(_ letter: Letter) { letters.append(letter) }

    func isReady(at now: Timestamp) -> Bool { !letters.isEmpty && heldUntil <= now }

    func first(_ count: Int) -> [Letter] { Array(letters.prefix(count)) }

    /// They are acknowledged.
    mutating func remove(first count: Int) { letters.removeFirst(min(count, letters.count)) }
}

/// The dispatches of some events as the publisher gathers them: items first, then the events of calls by kind.
func letters(of dispatches: [Dispatch], calls inbox: String) -> [(queue: String, letter: Mailbox.Letter)] {
    var items: [(queue: String, letter: Mailbox.Letter)] = []
    var events: [CallEvent] = []
    for dispatch in dispatches {
        switch dispatch {
        case .item(let item, let queue, _): items.append((queue, .item(item)))
        case .callEvent(let event, _): events.append(event)
        case .message: break
        }
    }
    for kind in CallEvent.Kind.allCases {
        items += events.filter { $0.kind == kind }.map { (inbox, .call($0)) }
    }
    return items
}
