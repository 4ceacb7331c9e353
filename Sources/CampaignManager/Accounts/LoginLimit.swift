package import Contracts
import Crypto
import FoundationEssentials

/// How often one user name may be tried with a wrong password: ten times at once, and once more every six seconds.
///
/// The same for names that exist and for those that do not. Memory is bounded: when too many names were tried lately,
/// those that have been tried least are forgotten.
package struct LoginLimit: Sendable {
    /// How many attempts may come at once, and how many seconds it takes until there is one more.
    private static let (burst, interval) = (10.0, 6.0)

    private struct Bucket {
        var tokens: Double
        var updatedAt: Timestamp

        func tokens(at now: Timestamp) -> Double {
            // A clock that was set back must not take anything away.
            let elapsed = Double(max(0, now.microseconds - updatedAt.microseconds)) / 1e6
            return min(LoginLimit.burst, tokens + elapsed / LoginLimit.interval)
        }
    }

    /// By the hash of the name, which may be of any length.
    private var buckets: [[UInt8]: Bucket] = [:]

    private let capacity: Int

    /// - Parameter capacity: how many names are remembered.
    package init(capacity: Int = 20_000) { self.capacity = capacity }

    package var count: Int { buckets.count }

    /// Counts one attempt; nil when it may be made, else the seconds until one may.
    package mutating func attempt(_ username: String, at now: Timestamp) -> Int64? {
        let key = LoginLimit.key(username)
        let tokens = buckets[key]?.tokens(at: now) ?? LoginLimit.burst
        guard tokens >= 1 else { return Int64(((1 - tokens) * LoginLimit.interval).rounded(.up)) }
        if buckets[key] == nil, buckets.count >= capacity { forget(at: now) }
        buckets[key] = Bucket(tokens: tokens - 1, updatedAt: now)
        return nil
    }

    /// The password was right: that attempt does not count.
    package mutating func succeed(_ username: String, at now: Timestamp) {
        let key = LoginLimit.key(username)
        guard let bucket = buckets[key] else { return }
        let tokens = min(LoginLimit.burst, bucket.tokens(at: now) + 1)
        buckets[key] = tokens < LoginLimit.burst ? Bucket(tokens: tokens, updatedAt: now) : nil
    }

    private static func key(_ username: String) -> [UInt8] {
        Array(SHA256.hash(data: Data(username.utf8)).prefix(16))
    }

    /// Forgets what is full again; when that is not half of it, also those that have most left.
    private mutating func forget(at now: Timestamp) {
        buckets = buckets.filter { $0.value.tokens(at: now) < LoginLimit.burst }
        guard buckets.count > capacity / 2 else { return }
        let order = buckets.map { (key: $0.key, tokens: $0.value.tokens(at: now)) }.sorted { $0.tokens > $1.tokens }
        for entry in order.prefix(buckets.count - capacity / 2) { buckets[entry.key] = nil }
    }
}
