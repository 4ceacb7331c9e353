package import Contracts

import struct FoundationEssentials.Date

/// How a gateway behaves; the defaults are those of a deployment without any setting.
package struct GatewayConfiguration: Sendable {
    /// How times are written in answers.
    package var timeFormat: TimeFormat = .documented
    /// The key that signs session tokens; nil asks campaign-manager for it.
    package var tokenSecret: [UInt8]?
    /// How long a client waits at most for a manager.
    package var requestDeadline: Duration = .seconds(5)
    /// How long a campaign waits for the counts of its targets before it is answered without them.
    package var progressDeadline: Duration = .seconds(1)
    /// How long one slice of an import may take; a busy manager slows an import down rather than break it.
    package var importDeadline: Duration = .seconds(15)
    /// How long a client waits at most for what goes through a whole list: a million targets are re-armed in it.
    package var longDeadline: Duration = .seconds(120)
    /// The largest body in bytes, imports excepted.
    package var maximumBodySize = 1 << 20
    /// The largest sum of path and headers in bytes.
    package var maximumHeaderSize = 16 << 10
    /// How many clients may be connected; further ones wait to be accepted.
    package var maximumConnections = 4096
    /// How long a connection may keep the gateway waiting.
    package var timeouts = ConnectionTimeouts()
    /// How long an identity is believed before it is asked for again.
    package var identityLifetime: Milliseconds = .seconds(10)
    /// How many identities are remembered.
    package var identityCapacity = 10_000
    /// What callers are held to.
    package var rates = RateSettings()
    /// The proxies whose word about the client's address is taken.
    package var trustedProxies = TrustedProxies()
    /// The headers of all answers.
    package var headers = AnswerHeaders()
    /// How streams of events behave.
    package var streams = StreamSettings()
    /// The clock.
    package var now: @Sendable () -> Timestamp = { .systemNow }
    /// The clock that is never set, for limits.
    package var instant: @Sendable () -> ContinuousClock.Instant = { .now }

    package init() {}
}

extension Timestamp {
    /// The system's clock.
    static var systemNow: Timestamp {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }
}
