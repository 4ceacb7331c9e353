import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A result that comes once, for any number of waiting tasks. Every wait ends: by the result, a deadline or cancellation.
final class OneShot<Value: Sendable>: Sendable {
    /// Transitions: announced -> waiting -> gone; announced -> left -> gone.
    private enum Waiter {
        /// Its deadline or cancellation may come before it waits.
        case announced
        case waiting(CheckedContinuation<Value, any Error>)
        case left(any Error)
    }

    private struct State {
        var result: Result<Value, any Error>?
        var waiters: [UInt64: Waiter] = [:]
        var nextID: UInt64 = 0
    }

    private let state = NIOLockedValueBox(State())

    /// The result, when it is there.
    var result: Result<Value, any Error>? { state.withLockedValue { $0.result } }

    /// Gives the result. Only the first has an effect.
    func complete(_ result: Result<Value, any Error>) {
        let continuations = state.withLockedValue { state -> [CheckedContinuation<Value, any Error>] in
            guard state.result == nil else { return [] }
            state.result = result
            defer { state.waiters = [:] }
            return state.waiters.values.compactMap {
                if case .waiting(let continuation) = $0 { continuation } else { nil }
            }
        }
        for continuation in continuations { continuation.resume(with: result) }
    }

    /// Waits for the result.
    /// - Throws: the result's error, `CancellationError`, or `timeoutError` after `timeout`.
    func wait(
        timeout: Duration? = nil,
        timeoutError: @autoclosure @escaping @Sendable () -> AMQPError = AMQPError(.timedOut, "a deadline passed")
    ) async throws -> Value {
        let id = state.withLockedValue { state in
            state.nextID += 1
            state.waiters[state.nextID] = .announced
            return state.nextID
        }
        let timer = timeout.map { timeout in
            NIOSingletons.posixEventLoopGroup.any().scheduleTask(in: TimeAmount(timeout)) {
                self.leave(id, timeoutError())
            }
        }
        defer { timer?.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let ready = state.withLockedValue { state -> Result<Value, any Error>? in
                    if let result = state.result {
                        state.waiters[id] = nil
                        return result
                    }
                    if case .left(let error) = state.waiters[id] {
                        state.waiters[id] = nil
                        return .failure(error)
                    }
                    state.waiters[id] = .waiting(continuation)
                    return nil
                }
                if let ready { continuation.resume(with: ready) }
            }
        } onCancel: {
            leave(id, CancellationError())
        }
    }

    private func leave(_ id: UInt64, _ error: any Error) {
        let continuation = state.withLockedValue { state -> CheckedContinuation<Value, any Error>? in
            switch state.waiters[id] {
            case .announced:
                state.waiters[id] = .left(error)
                return nil
            case .waiting(let continuation):
                state.waiters[id] = nil
                return continuation
            case .left, nil:
                return nil
            }
        }
        continuation?.resume(throwing: error)
    }
}
