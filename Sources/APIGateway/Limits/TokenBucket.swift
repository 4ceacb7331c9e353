/// How much is allowed: `perSecond` for ever, and `burst` at once after a pause.
package struct Rate: Sendable, Hashable {
    package var perSecond: Int
    package var burst: Int

    package init(perSecond: Int, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }

    /// Zero switches a limit off.
    package var isOff: Bool { perSecond <= 0 }
}

/// What is left of a ``Rate`` at one moment: a token for each thing that may be done now.
package struct TokenBucket: Sendable, Hashable {
    private var tokens: Double
    private var filledAt: ContinuousClock.Instant

    /// A full one.
    package init(_ rate: Rate, at now: ContinuousClock.Instant) {
        tokens = Double(rate.burst)
        filledAt = now
    }

    /// Takes a token. When there is none, nothing is taken and the answer is how long it takes until there is one.
    package mutating func take(_ rate: Rate, at now: ContinuousClock.Instant) -> Duration? {
        if let wait = wait(rate, at: now) { return wait }
        tokens -= 1
        return nil
    }

    /// How long it takes until there is a token; nil when there is one.
    package mutating func wait(_ rate: Rate, at now: ContinuousClock.Instant) -> Duration? {
        if now > filledAt {
            tokens = min(Double(rate.burst), tokens + (now - filledAt) / .seconds(1) * Double(rate.perSecond))
            filledAt = now
        }
        // A token that misses a billionth is there: sums of fractions are not exact.
        guard tokens < 1 - 1e-9 else { return nil }
        return .seconds((1 - tokens) / Double(rate.perSecond))
    }
}
