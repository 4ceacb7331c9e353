package import Contracts
import Crypto
import FoundationEssentials

/// How often wrong passwords may be tried: for one user name from one network ten times at once, and once more every six
/// seconds; for one user name from everywhere a hundred times at once, and once more every second.
///
/// So whoever tries somebody's name keeps them out from the own network only, and many networks together guess slowly. The
/// same for names that exist and for those that do not. Memory is bounded: when too much was tried lately, what has been
/// tried least is forgotten.
package struct LoginLimit: Sendable {
    /// How many attempts may come at once, and how many seconds it takes until there is one more.
    private struct Rate {
        var burst: Double
        var interval: Double

        static let network = Rate(burst: 10, interval: 6)
        static let everywhere = Rate(burst: 100, interval: 1)
    }

    private struct Bucket {
        var rate: Rate
        var tokens: Double
        var updatedAt: Timestamp

        func tokens(at now: Timestamp) -> Double {
            // A clock that was set back must not take anything away.
            let elapsed = Double(max(0, now.microseconds - updatedAt.microseconds)) / 1e6
            return min(rate.burst, tokens + elapsed / rate.interval)
        }

        func isFull(at now: Timestamp) -> Bool { tokens(at: now) >= rate.burst }

        /// The seconds until there is a token; nil when there is one.
        func wait(at now: Timestamp) -> Int64? {
            let tokens = tokens(at: now)
            return tokens >= 1 ? nil : Int64(((1 - tokens) * rate.interval).rounded(.up))
        }

        func adding(_ change: Double, at now: Timestamp) -> Bucket {
            Bucket(rate: rate, tokens: min(rate.burst, tokens(at: now) + change), updatedAt: now)
        }
    }

    /// By the hash of the name, which may be of any length, and of the network.
    private var buckets: [[UInt8]: Bucket] = [:]

    private let capacity: Int

    /// - Parameter capacity: how many names and networks are remembered.
    package init(capacity: Int = 40_000) { self.capacity = capacity }

    package var count: Int { buckets.count }

    /// Counts one attempt; nil when it may be made, else the seconds until one may.
    ///
    /// - Parameter network: where it comes from, as the gateway names it; "" when it does not say.
    package mutating func attempt(_ username: String, from network: String, at now: Timestamp) -> Int64? {
        let buckets = buckets(username, network, now)
        if let wait = buckets.compactMap({ $0.bucket.wait(at: now) }).max() { return wait }
        if self.buckets.count + buckets.count > capacity { forget(at: now) }
        for (key, bucket) in buckets { self.buckets[key] = bucket.adding(-1, at: now) }
        return nil
    }

    /// The password was right: that attempt does not count.
    package mutating func succeed(_ username: String, from network: String, at now: Timestamp) {
        for (key, bucket) in buckets(username, network, now) {
            let bucket = bucket.adding(1, at: now)
            buckets[key] = bucket.isFull(at: now) ? nil : bucket
        }
    }

    private func buckets(
        _ username: String,
        _ network: String,
        _ now: Timestamp
    ) -> [(key: [UInt8], bucket: Bucket)] {
        // The kinds differ in their first byte, so no name is another's name and network.
        [("n\(network.utf8.count) \(network) \(username)", Rate.network), ("e\(username)", Rate.everywhere)].map {
            let key = Array(SHA256.hash(data: Data($0.0.utf8)).prefix(16))
            return (key, buckets[key] ?? Bucket(rate: $0.1, tokens: $0.1.burst, updatedAt: now))
        }
    }

    /// Forgets what is full again; when that is not half of it, also those that have most left.
    private mutating func forget(at now: Timestamp) {
        buckets = buckets.filter { !$0.value.isFull(at: now) }
        guard buckets.count > capacity / 2 else { return }
        let order = buckets.map { (key: $0.key, used: $0.value.rate.burst - $0.value.tokens(at: now)) }
            .sorted { $0.used < $1.used }
        for entry in order.prefix(buckets.count - capacity / 2) { buckets[entry.key] = nil }
    }
}
