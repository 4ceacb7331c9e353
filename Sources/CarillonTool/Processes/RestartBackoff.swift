/// How long to wait before a program that died is started again.
///
/// At once the first time; when it keeps dying within ten seconds of its start, after 1, 2, 4 and then 8 seconds.
struct RestartBackoff: Hashable, Sendable {
    private var shortLives = 0

    /// The wait after a life of `lifetime`.
    mutating func delay(afterLifetime lifetime: Duration) -> Duration {
        if lifetime >= .seconds(10) { shortLives = 0 }
        defer { shortLives += 1 }
        return shortLives == 0 ? .zero : .seconds(1 << min(shortLives - 1, 3))
    }
}
