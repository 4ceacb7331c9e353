import Contracts
import Service

/// Lets a few at a time through, the others in the order in which they came.
///
/// A hash takes 32 MiB and a tenth of a second on purpose: without a limit, wrong passwords would take the machine.
package final class HashingSlots: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let limit: Int
    private let state: Locked<State>

    /// - Parameters:
    ///   - count: how many may work at once.
    ///   - limit: how many may wait; whoever comes then is refused.
    package init(count: Int, limit: Int) {
        self.limit = limit
        state = Locked(State(free: count))
    }

    /// Runs `body` when it is its turn; throws a ``Refusal`` (429) when too many wait already.
    package func withSlot<T: Sendable>(_ body: () async throws -> T) async throws -> T {
        try await acquire()
        defer { release() }
        return try await body()
    }

    /// How many wait now.
    package var waitingCount: Int { state.withLock { $0.waiting.count } }

    private func acquire() async throws(Refusal) {
        let isRefused = Locked(false)
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state -> Bool in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                if state.waiting.count >= limit {
                    isRefused.value = true
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if goesOn { continuation.resume() }
        }
        if isRefused.value { throw .rateLimited("too many passwords are being checked now", retryAfter: 1) }
    }

    private func release() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}

extension Refusal {
    /// Too many requests; `retryAfter` is in seconds.
    static func rateLimited(_ problem: String, retryAfter: Int64) -> Refusal {
        Refusal(
            .resourceExhausted,
            "RATE_LIMIT_EXCEEDED",
            "\(problem); try again in \(retryAfter) s",
            details: [["retry_after": .integer(retryAfter)]]
        )
    }
}
