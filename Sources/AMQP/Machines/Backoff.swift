/// Waits between attempts: full jitter, so that many clients do not come back at once.
///
/// The wait is uniform between 0 and a ceiling that doubles from `base` to `limit`.
struct Backoff: Sendable {
    let base: Duration
    let limit: Duration
    private var attempt = 0

    init(_ ceilings: ClosedRange<Duration>) {
        base = ceilings.lowerBound
        limit = ceilings.upperBound
    }

    /// Begins anew after a success that lasted.
    mutating func reset() { attempt = 0 }

    /// The wait before the next attempt; `fraction` is random in 0..<1.
    mutating func next(fraction: Double) -> Duration {
        let ceiling = min(base * (1 << min(attempt, 20)), limit)
        attempt += 1
        return ceiling * fraction
    }
}
