/// Whether a daemon can do its work: all of its parts have to be ready, and it must not be stopping.
package final class Readiness: Sendable {
    private struct State {
        var parts: [String: (isReady: Bool, detail: String)]
        var wasReady = false
        var isStopping = false

        var isReady: Bool { !isStopping && parts.values.allSatisfy(\.isReady) }
    }

    private let state: Locked<State>
    private let onFirstReady: @Sendable () -> Void

    /// `onFirstReady` is called once, when every part of `parts` is ready for the first time.
    package init(parts: [String], onFirstReady: @escaping @Sendable () -> Void = {}) {
        state = Locked(State(parts: Dictionary(uniqueKeysWithValues: parts.map { ($0, (isReady: false, detail: "")) })))
        self.onFirstReady = onFirstReady
    }

    /// Says whether a part is ready, and what it waits for when it is not; adds the part when it is new.
    package func set(_ part: String, ready: Bool, detail: String = "") {
        let isFirst = state.withLock { state in
            state.parts[part] = (ready, detail)
            guard !state.wasReady, state.isReady else { return false }
            state.wasReady = true
            return true
        }
        if isFirst { onFirstReady() }
    }

    /// The daemon stops: it is not ready any more, whatever its parts say.
    package func stop() { state.withLock { $0.isStopping = true } }

    package var isReady: Bool { state.withLock { $0.isReady } }

    /// The parts that are not ready, with what they wait for.
    package var waitingFor: [String] {
        state.withLock { state in
            if state.isStopping { return ["stopping"] }
            return state.parts.filter { !$0.value.isReady }.map { $0.value.detail.isEmpty ? $0.key : $0.value.detail }
                .sorted()
        }
    }
}
