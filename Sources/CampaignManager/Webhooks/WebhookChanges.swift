import Service

/// Tells couriers who wait that addresses or secrets may have changed.
package final class WebhookChanges: Sendable {
    private struct State {
        var followers: [Int: AsyncStream<Void>.Continuation] = [:]
        var last = 0
    }

    private let state = Locked(State())

    package init() {}

    /// Looks again, whoever waits.
    package func announce() {
        for follower in state.withLock({ Array($0.followers.values) }) { follower.yield() }
    }

    /// An element at once, for what changed before, and then one for each announcement; ends with the task.
    func follow() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.last += 1
            state.followers[state.last] = continuation
            return state.last
        }
        continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.followers[number] = nil } }
        continuation.yield()
        return stream
    }
}
