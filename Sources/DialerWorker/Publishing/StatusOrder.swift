package import Service

/// Keeps statuses and journal messages from overtaking each other on the way to the broker.
///
/// A status says how far the journal has come, and is no older than any report that went before it. So while one is
/// under way, from reading the head of the journal to the broker's confirm, no later event is published. This stands
/// between the journal's writer and its publisher, which
/// asks for the next position before each batch and after it. Before the journal is accepted nothing is published at all.
package final class StatusOrder: LogHead {
    private struct State {
        var isPublishing = false
        var isTelling = false
    }

    /// How often the one looks whether the other is done: both are rare, short and never urgent.
    private static let pause = Duration.milliseconds(2)

    private let log: any LogHead
    private let acceptance: Acceptance
    private let state = Locked(State())

    package init(log: any LogHead, acceptance: Acceptance) {
        self.log = log
        self.acceptance = acceptance
    }

    package var head: Int64 { acceptance.isGiven ? log.head : 0 }

    package func noteCursor(_ name: String, _ position: Int64) { log.noteCursor(name, position) }

    package func position(after position: Int64) async -> Int64 {
        state.withLock { $0.isPublishing = false }
        await acceptance.wait()
        let head = await log.position(after: position)
        while !Task.isCancelled {
            let mayPublish = state.withLock { state in
                if !state.isTelling { state.isPublishing = true }
                return state.isPublishing
            }
            if mayPublish { break }
            try? await Task.sleep(for: StatusOrder.pause)
        }
        return head
    }

    /// Runs `body` with the head while nothing is published. Gives up without running it when the publisher does not
    /// come to an end within `limit`: then the broker is slow, and no status would arrive either.
    package func tell(limit: Duration, _ body: (Int64) async -> Void) async {
        let deadline = ContinuousClock.now + limit
        state.withLock { $0.isTelling = true }
        defer { state.withLock { $0.isTelling = false } }
        while state.withLock({ $0.isPublishing }) {
            if Task.isCancelled || ContinuousClock.now >= deadline { return }
            try? await Task.sleep(for: StatusOrder.pause)
        }
        await body(log.head)
    }
}
