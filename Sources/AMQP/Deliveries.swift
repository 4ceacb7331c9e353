import NIOConcurrencyHelpers

/// The messages of one consumer, as batches of everything that is at hand.
///
/// The prefetch bounds what waits here. Of a lost connection's messages those not yet handed out are dropped, since
/// the broker delivers them again. The sequence ends only when the client is shut down. One task iterates.
package struct Deliveries: AsyncSequence, Sendable {
    package typealias Element = [Delivery]
    package typealias Failure = Never

    let buffer: DeliveryBuffer

    package struct AsyncIterator: AsyncIteratorProtocol {
        let buffer: DeliveryBuffer

        /// The next batch, or nil after the shutdown or when the task is cancelled.
        package mutating func next() async -> [Delivery]? {
            await buffer.next()
        }

        /// The next batch, or nil after the shutdown or when the task is cancelled.
        package mutating func next(isolation actor: isolated (any Actor)?) async -> [Delivery]? {
            await buffer.next()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(buffer: buffer) }
}

/// What was received and not yet taken by the consumer's task.
final class DeliveryBuffer: Sendable {
    private struct State {
        var waiting: [Delivery] = []
        var taker: (id: UInt64, continuation: CheckedContinuation<[Delivery]?, Never>)?
        var nextID: UInt64 = 0
        var isFinished = false
    }

    private let state = NIOLockedValueBox(State())

    /// Adds a batch and wakes the taker.
    func append(_ batch: [Delivery]) {
        let taker = state.withLockedValue { state -> CheckedContinuation<[Delivery]?, Never>? in
            guard !state.isFinished else { return nil }
            guard let taker = state.taker else {
                state.waiting += batch
                return nil
            }
            state.taker = nil
            return taker.continuation
        }
        taker?.resume(returning: batch)
    }

    /// Drops what was not taken yet: its channel is gone.
    func dropAll() {
        state.withLockedValue { $0.waiting.removeAll() }
    }

    /// Ends the sequence, after what is waiting has been taken.
    func finish() {
        let taker = state.withLockedValue { state in
            state.isFinished = true
            defer { state.taker = nil }
            return state.taker?.continuation
        }
        taker?.resume(returning: nil)
    }

    /// Waits for a batch.
    func next() async -> [Delivery]? {
        let id = state.withLockedValue { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLockedValue { state -> [Delivery]?? in
                    precondition(state.taker == nil, "two tasks iterate the deliveries of one consumer")
                    if !state.waiting.isEmpty {
                        defer { state.waiting = [] }
                        return .some(state.waiting)
                    }
                    if state.isFinished || Task.isCancelled { return .some(nil) }
                    state.taker = (id, continuation)
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            let taker = state.withLockedValue { state -> CheckedContinuation<[Delivery]?, Never>? in
                guard let taker = state.taker, taker.id == id else { return nil }
                state.taker = nil
                return taker.continuation
            }
            taker?.resume(returning: nil)
        }
    }
}
