import DequeModule

/// Which published messages of a channel are not settled yet, and to which batch they belong.
///
/// The channel numbers its publishes from 1. A confirm settles one tag or all up to it; a return comes before the
/// confirm of its message, but says neither its number nor anything about those before it. So of unsettled mandatory
/// messages that look alike all but one carry their number in a header, which a return brings back.
struct ConfirmTracker: Sendable {
    /// A batch whose messages are all settled.
    struct Finished: Hashable, Sendable {
        var batch: UInt64
        var outcomes: [PublishOutcome]
    }

    /// What a return tells about the message that it means.
    struct ReturnKey: Hashable, Sendable {
        var exchange: String
        var routingKey: String
        var messageID: String?
    }

    /// The header that holds the number of a message that would be mistaken for another.
    static let numberHeader = "x-publish-number"

    private struct Entry {
        var batch: UInt64
        var index: Int
        var key: ReturnKey?
        var isNumbered: Bool
        var isOpen = true
    }

    private struct Batch {
        var outcomes: [PublishOutcome]
        var missing: Int
    }

    private var entries: Deque<Entry> = []
    /// The tag of the first entry.
    private var firstTag: UInt64 = 1
    private var batches: [UInt64: Batch] = [:]
    /// The one open mandatory message of each kind that carries no number.
    private var unnumbered: [ReturnKey: UInt64] = [:]
    private var returned: [UInt64: PublishOutcome] = [:]

    /// How many batches wait.
    var openBatches: Int { batches.count }

    /// Opens a batch of `count` messages that are all `unknown` so far.
    mutating func open(batch: UInt64, count: Int) {
        batches[batch] = Batch(outcomes: Array(repeating: .unknown, count: count), missing: count)
    }

    /// The number that a mandatory message published now has to carry, or nil when nothing open looks like it.
    func number(for key: ReturnKey) -> UInt64? {
        unnumbered[key] == nil ? nil : firstTag + UInt64(entries.count)
    }

    /// Counts one message as published now, with its `number(for:)` if that is not nil. `key` is given for a mandatory
    /// message.
    mutating func published(batch: UInt64, index: Int, key: ReturnKey?) {
        var isNumbered = false
        if let key {
            isNumbered = unnumbered[key] != nil
            if !isNumbered { unnumbered[key] = firstTag + UInt64(entries.count) }
        }
        entries.append(Entry(batch: batch, index: index, key: key, isNumbered: isNumbered))
    }

    /// Settles a message that was never written.
    mutating func settleUnsent(batch: UInt64, index: Int, _ outcome: PublishOutcome) -> Finished? {
        settle(batch: batch, index: index, outcome)
    }

    /// The broker returned a message, with what its number header holds; its confirm is still to come.
    mutating func returned(_ key: ReturnKey, number: UInt64? = nil, code: Int, text: String) {
        // Somebody else's number may have come along with copied headers: it counts only when it was given here.
        let numbered = number.flatMap { isNumbered($0, key) ? $0 : nil }
        guard let tag = numbered ?? unnumbered[key] else { return }
        returned[tag] = .returned(code: code, text: text)
    }

    /// Takes a confirm and returns the batches that it finished, in order. Tags that are not open have no effect.
    mutating func confirmed(tag: UInt64, multiple: Bool, positive: Bool) -> [Finished] {
        guard tag >= firstTag || (multiple && tag == 0) else { return [] }
        // Tag 0 with multiple means everything so far.
        let last = tag == 0 ? firstTag + UInt64(entries.count) - 1 : tag
        guard last >= firstTag, last - firstTag < UInt64(entries.count) else { return [] }
        let offset = Int(last - firstTag)
        var finished: [Finished] = []
        for position in (multiple ? 0 : offset)...offset where entries[position].isOpen {
            entries[position].isOpen = false
            let entry = entries[position]
            let entryTag = firstTag + UInt64(position)
            let outcome = returned.removeValue(forKey: entryTag) ?? (positive ? .acked : .nacked)
            if let key = entry.key, unnumbered[key] == entryTag { unnumbered[key] = nil }
            if let done = settle(batch: entry.batch, index: entry.index, outcome) { finished.append(done) }
        }
        while let first = entries.first, !first.isOpen {
            entries.removeFirst()
            firstTag += 1
        }
        return finished
    }

    /// Gives up on a batch: what is not settled stays `unknown`. Later confirms of it have no effect.
    mutating func expire(batch: UInt64) -> Finished? {
        batches.removeValue(forKey: batch).map { Finished(batch: batch, outcomes: $0.outcomes) }
    }

    /// Gives up on everything: the channel is gone.
    mutating func expireAll() -> [Finished] {
        let all = batches.keys.sorted().compactMap { batch in
            batches[batch].map { Finished(batch: batch, outcomes: $0.outcomes) }
        }
        self = ConfirmTracker()
        return all
    }

    private mutating func settle(batch: UInt64, index: Int, _ outcome: PublishOutcome) -> Finished? {
        guard let position = batches.index(forKey: batch) else { return nil }
        batches.values[position].outcomes[index] = outcome
        batches.values[position].missing -= 1
        guard batches.values[position].missing == 0 else { return nil }
        return Finished(batch: batch, outcomes: batches.remove(at: position).value.outcomes)
    }

    private func isNumbered(_ tag: UInt64, _ key: ReturnKey) -> Bool {
        guard tag >= firstTag, tag - firstTag < UInt64(entries.count) else { return false }
        let entry = entries[Int(tag - firstTag)]
        return entry.isOpen && entry.isNumbered && entry.key == key
    }
}
