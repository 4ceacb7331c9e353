/// Whether a daemon can do its work: all of its parts have to be ready.
package final class Readiness: Sendable {
    private struct State {
        var parts: [String: (isReady: Bool, detail: String)]
        var wasReady = false
    }

    private let state: Locked<State>
    private let onFirstReady: @Sendable () -> Void

    /// `onFirstReady` is called once, when every part of `parts` is ready for the first time.
    package init(parts: [String], onFirstReady: @escaping @Sendable () -> Void = {}) {
        state = Locked(State(parts: Dictionary(uniqueKeysWithValues: parts.map { ($0, (isReady: false, detail: "")) })))
        self.onFirstReady = onFirstReady
    }

    package func set(_ part: String, ready: Bool, detail: String = "") {
        let isFirst = state.withLock { state in
            state.parts[part] = (ready, detail)
            guard !state.wasReady, state.parts.values.allSatisfy(\.isReady) else { return false }
            state.wasReady = true
            return true
        }
        if isFirst { onFirstReady() }
    }

    package var isReady: Bool { state.withLock { $0.parts.values.allSatisfy(\.isReady) } }

    /// The parts that are not ready, with what they wait for.
    package var waitingFor: [String] {
        state.withLock { state in
            state.parts.filter { !$0.value.isReady }.map { $0.value.detail.isEmpty ? $0.key : $0.value.detail }.sorted()
        }
    }
}
