/// Knows whether the loops of a daemon still turn; systemd's watchdog is fed only while all of them do.
///
/// A service finds it in ``current`` and registers there: either it says ``turned(_:)``, or it leaves a closure that is
/// asked.
package final class Watchdog: Sendable {
    /// The watchdog of the daemon that runs this task; nil in tests.
    @TaskLocal package static var current: Watchdog?

    private struct State {
        var turns: [String: Bool] = [:]
        var questions: [String: @Sendable () -> Bool] = [:]
    }

    private let state = Locked(State())

    package init() {}

    /// The loop has made a turn; the first call adds it. Call it once per batch, not per item.
    package func turned(_ loop: String) { state.withLock { $0.turns[loop] = true } }

    /// Has `question` asked before each feeding: whether the loop has moved since the last time, or has nothing to do.
    package func ask(_ loop: String, _ question: @escaping @Sendable () -> Bool) {
        state.withLock { $0.questions[loop] = question }
    }

    /// The loop has ended as it should and is not waited for any more.
    package func ended(_ loop: String) {
        state.withLock { state in
            state.turns[loop] = nil
            state.questions[loop] = nil
        }
    }

    /// The loops that have not turned since the last call, in order of name.
    package func takeStalled() -> [String] {
        let (stalled, questions) = state.withLock { state in
            let stalled = state.turns.filter { !$0.value }.map(\.key)
            for loop in state.turns.keys { state.turns[loop] = false }
            return (stalled, state.questions)
        }
        // Outside the lock: the closures take locks of their own.
        return (stalled + questions.filter { !$0.value() }.map(\.key)).sorted()
    }
}
