/// A dictionary that never holds more than `capacity` entries: those that were not used for longest go first.
///
/// Two generations stand for the order of use. What is used moves into the young one; when that holds half of the
/// capacity, it becomes the old one, and what was old is gone. So every operation takes constant time.
package struct RecentlyUsed<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let generationSize: Int
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]

    package init(capacity: Int) {
        generationSize = max(1, capacity / 2)
    }

    package var count: Int { young.count + old.count }

    /// The value of `key`; setting one makes it the most recently used.
    package subscript(key: Key) -> Value? {
        mutating get {
            if let value = young[key] { return value }
            guard let value = old.removeValue(forKey: key) else { return nil }
            insert(value, for: key)
            return value
        }
        set {
            old[key] = nil
            guard let newValue else {
                young[key] = nil
                return
            }
            insert(newValue, for: key)
        }
    }

    private mutating func insert(_ value: Value, for key: Key) {
        if young.count >= generationSize, young[key] == nil {
            old = young
            young = [:]
        }
        young[key] = value
    }
}
