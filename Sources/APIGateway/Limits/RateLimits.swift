import Contracts

/// The rates that a gateway holds its callers to.
package struct RateSettings: Sendable, Hashable {
    /// `/auth/*`, of one address.
    package var logins = Rate(perSecond: 10, burst: 20)
    /// Everything else but the probes, of one address.
    package var addresses = Rate(perSecond: 1_000, burst: 2_000)
    /// All requests of one customer.
    package var customers = Rate(perSecond: 1_000, burst: 2_000)
    /// Credentials that turn out to be wrong, of one address: keys cannot be guessed.
    package var failures = Rate(perSecond: 20, burst: 40)

    package init() {}
}

/// The limiters of one gateway.
struct RateLimits: Sendable {
    let logins: RateLimiter<ClientAddress>
    let addresses: RateLimiter<ClientAddress>
    let customers: RateLimiter<ID>
    let failures: RateLimiter<ClientAddress>

    init(_ settings: RateSettings) {
        logins = RateLimiter(settings.logins)
        addresses = RateLimiter(settings.addresses)
        customers = RateLimiter(settings.customers)
        failures = RateLimiter(settings.failures)
    }

    /// Counts a request of an address, before anything else is done for it.
    func count(_ call: ClientCall, match: RouteTable.Match, at now: ContinuousClock.Instant) throws(Refusal) {
        if PathPattern.segments(of: call.path).first == "auth" {
            try logins.count(call.address.network, at: now)
        } else if !match.isProbe {
            try addresses.count(call.address.network, at: now)
        }
    }
}

extension RouteTable.Match {
    /// Whether it only asks if the gateway is there: such requests come often and cost nothing.
    fileprivate var isProbe: Bool {
        guard case .route(let route, _) = self else { return false }
        return switch route.endpoint {
        case .ping, .health, .readiness: true
        default: false
        }
    }
}
