import Contracts

/// Remembers who stands behind a credential, for seconds only: a deleted key or a changed permission takes effect soon.
actor IdentityCache {
    private struct Entry {
        var identity: Identity
        var staleAt: Timestamp
    }

    private let lifetime: Milliseconds
    private let capacity: Int
    private var entries: [String: Entry] = [:]

    init(lifetime: Milliseconds, capacity: Int) {
        self.lifetime = lifetime
        self.capacity = capacity
    }

    func identity(of key: String, at now: Timestamp) -> Identity? {
        guard let entry = entries[key] else { return nil }
        // A clock that was set back must not make an entry live longer.
        guard now < entry.staleAt, entry.staleAt <= now + lifetime else {
            entries[key] = nil
            return nil
        }
        return entry.identity
    }

    func remember(_ identity: Identity, as key: String, at now: Timestamp) {
        if entries.count >= capacity { entries = entries.filter { now < $0.value.staleAt } }
        // Full of live entries: begin anew rather than grow; every one can be asked for again.
        if entries.count >= capacity { entries.removeAll(keepingCapacity: true) }
        entries[key] = Entry(identity: identity, staleAt: now + lifetime)
    }
}
