package import Contracts
import Service

/// Holds each of many callers to one ``Rate``; it forgets those that were quiet for longest.
///
/// A limit is this process's own: two gateways together allow twice as much.
package final class RateLimiter<Key: Hashable & Sendable>: Sendable {
    private let rate: Rate
    private let buckets: Locked<RecentlyUsed<Key, TokenBucket>>

    package init(_ rate: Rate, capacity: Int = 10_000) {
        self.rate = rate
        buckets = Locked(RecentlyUsed(capacity: capacity))
    }

    /// Counts one; throws 429 when `key` has used up its rate.
    package func count(_ key: Key, at now: ContinuousClock.Instant) throws(Refusal) {
        if let wait = with(key, at: now, { $0.take(rate, at: now) }) { throw .tooMany(retryAfter: wait) }
    }

    /// Throws 429 when `key` has used up its rate, and counts nothing.
    package func check(_ key: Key, at now: ContinuousClock.Instant) throws(Refusal) {
        if let wait = with(key, at: now, { $0.wait(rate, at: now) }) { throw .tooMany(retryAfter: wait) }
    }

    private func with(
        _ key: Key,
        at now: ContinuousClock.Instant,
        _ body: (inout TokenBucket) -> Duration?
    ) -> Duration? {
        if rate.isOff { return nil }
        return buckets.withLock { buckets in
            var bucket = buckets[key] ?? TokenBucket(rate, at: now)
            defer { buckets[key] = bucket }
            return body(&bucket)
        }
    }
}

extension Refusal {
    /// The refusal of what comes too often; `wait` is told in whole seconds, at least one.
    static func tooMany(retryAfter wait: Duration) -> Refusal {
        let seconds = max(1, Int((wait / .seconds(1)).rounded(.up)))
        return Refusal(
            .resourceExhausted,
            "RATE_LIMIT_EXCEEDED",
            "too many requests; try again in \(seconds) s",
            details: [["retry_after": .integer(seconds)]]
        )
    }
}
