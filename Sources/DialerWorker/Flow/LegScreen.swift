package import Contracts
import Service
import ServiceLifecycle

/// The calls that an order of a flow wants to place: none is placed before its number was looked up.
package struct LegCheck: Hashable, Sendable {
    /// Of the flow: the attempt, or a call that its flow placed.
    package var attempt: ID
    /// Which order of it.
    package var number: Int
    package var legs: [CallLeg]
}

/// Asks whether the numbers that flows want to call are on a do-not-call list, or on the line.
///
/// One request for all that flows have come to meanwhile. Every check gets an answer, be it that there is none.
package struct LegScreen: ServiceLifecycle.Service {
    private let check: any NumberCheck
    private let waiting = Locked<[LegCheck]>([])
    private let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let submit = Locked<(@Sendable ([WorkerInput]) -> Void)?>(nil)

    package init(check: any NumberCheck) { self.check = check }

    /// Where the answers go. Called once, before the first check.
    package func connect(_ submit: @escaping @Sendable ([WorkerInput]) -> Void) { self.submit.value = submit }

    package func begin(_ checks: [LegCheck]) {
        guard !checks.isEmpty else { return }
        waiting.withLock { $0 += checks }
        signal.continuation.yield()
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in signal.stream {
                let checks = waiting.withLock { waiting in
                    defer { waiting = [] }
                    return waiting
                }
                guard !checks.isEmpty else { continue }
                let answers = await check.screen(legs: checks.flatMap(\.legs))
                submit.value?(checks.map { .legsScreened($0.attempt, number: $0.number, answers) })
            }
        }
    }
}
