import Service
package import ServiceLifecycle

/// Whether campaign-manager has accepted the journal in this process's life: until then nothing is taken and nothing told.
///
/// A journal that was restored from a copy does not know which attempts it has claimed since. Its worker would place a
/// redelivered command a second time, so no command is taken from the queue before the journal was judged.
package final class Acceptance: Sendable {
    private struct State {
        var isGiven = false
        var waiting: [AsyncStream<Void>.Continuation] = []
    }

    private let state = Locked(State())

    package init() {}

    package var isGiven: Bool { state.withLock { $0.isGiven } }

    package func give() {
        let waiting = state.withLock { state in
            state.isGiven = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.finish() }
    }

    /// Returns when it is given, or when the task is cancelled.
    package func wait() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let isGiven = state.withLock { state in
            if !state.isGiven { state.waiting.append(continuation) }
            return state.isGiven
        }
        if isGiven { return }
        for await _ in stream {}
    }
}

/// A service that begins its work when the journal is accepted.
package struct AfterAcceptance: ServiceLifecycle.Service {
    let acceptance: Acceptance
    let service: any ServiceLifecycle.Service

    package init(_ acceptance: Acceptance, _ service: any ServiceLifecycle.Service) {
        self.acceptance = acceptance
        self.service = service
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await acceptance.wait() }
        if acceptance.isGiven { try await service.run() }
    }
}
