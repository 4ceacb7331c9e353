package import Contracts

/// How many new dials a campaign may start now: the smallest of its limits.
package struct Pacing: Hashable, Sendable {
    /// `max_concurrent`; 0 is no limit.
    package var maximumConcurrent: Int64
    /// Attempts that are not over, and targets asked for and not yet leased.
    package var open: Int64
    /// What the token bucket of `calls_per_second` allows; nil is no limit.
    package var rateAllowance: Int64?
    /// Channels of the route's live workers that no attempt holds.
    package var freeChannels: Int64

    package init(maximumConcurrent: Int64, open: Int64, rateAllowance: Int64?, freeChannels: Int64) {
        self.maximumConcurrent = maximumConcurrent
        self.open = open
        self.rateAllowance = rateAllowance
        self.freeChannels = freeChannels
    }

    /// The most that is asked for at once, so that one campaign's answer never holds up the others.
    package static let largestRequest: Int64 = 500

    package var permits: Int64 {
        var permits = min(Pacing.largestRequest, freeChannels)
        if maximumConcurrent > 0 { permits = min(permits, maximumConcurrent - open) }
        if let rateAllowance { permits = min(permits, rateAllowance) }
        return max(0, permits)
    }
}

/// The token bucket of `calls_per_second`: tokens come in evenly and at most a sixteenth of a second's worth is saved, so
/// that no second hands out more than 1.07 times the rate (or one call, for low rates). What is left up to 1.1 times is
/// for the messages' way to the worker, which is not always equally long.
///
/// High rates are handed out in portions, 25 a second: each portion costs a lease, a commit and a message in three
/// daemons, whether it is one call or eighty.
package struct TokenBucket: Hashable, Sendable {
    package private(set) var rate: Double
    private var tokens: Double
    private var updatedAt: Timestamp

    package init(rate: Double, now: Timestamp) {
        self.rate = rate
        self.tokens = 1
        self.updatedAt = now
    }

    private var capacity: Double { max(1, rate / 16) }

    /// The tokens that are handed out together at least.
    private var portion: Double { max(1, (rate / 25).rounded(.down)) }

    /// Changes the rate, keeping what was saved.
    package mutating func setRate(_ rate: Double, now: Timestamp) {
        refill(now)
        self.rate = rate
        tokens = min(tokens, capacity)
    }

    /// The tokens that may be taken; 0 while there is less than a portion.
    package mutating func available(at now: Timestamp) -> Int64 {
        refill(now)
        return tokens + 1e-9 < portion ? 0 : Int64(tokens + 1e-9)
    }

    package mutating func take(_ count: Int64) { tokens -= Double(count) }

    /// Gives back what was taken and not used.
    package mutating func giveBack(_ count: Int64) { tokens = min(capacity, tokens + Double(count)) }

    /// When the next portion will be there.
    package func nextPortion(after now: Timestamp) -> Timestamp {
        let missing = max(0, portion - tokens)
        return Timestamp(
            microseconds: max(now.microseconds, updatedAt.microseconds) + Int64((missing / rate * 1e6).rounded(.up))
        )
    }

    private mutating func refill(_ now: Timestamp) {
        let elapsed = Double(max(0, now.microseconds - updatedAt.microseconds)) / 1e6
        tokens = min(capacity, tokens + elapsed * rate)
        // A clock that was set back must not stop the dialing.
        updatedAt = now
    }
}
