import Contracts
import Service

/// Asks a manager once for all who want to read the same at the same time.
///
/// Who asks while an equal read is under way does not get its answer, which may be older than the question: they wait,
/// and the next read is made for all of them together. So every answer was made after it was asked for.
final class SharedReads: Sendable {
    /// Equal reads have equal answers.
    struct Read: Hashable, Sendable {
        var manager: Manager
        var method: String
        var customer: ID
        var actor: String
        var params: JSONValue
    }

    private typealias Waiting = CheckedContinuation<Result<JSONValue, Refusal>, Never>

    /// Of each read under way, who waits for the next one.
    private let waiting = Locked<[Read: [Waiting]]>([:])

    /// The result of `ask`, which was called after this was.
    func result(
        of read: Read,
        _ ask: @escaping @Sendable () async -> Result<JSONValue, Refusal>
    ) async throws(Refusal) -> JSONValue {
        let result = await withCheckedContinuation { (continuation: Waiting) in
            let isFirst = waiting.withLock { waiting in
                guard waiting[read] != nil else {
                    waiting[read] = []
                    return true
                }
                waiting[read]?.append(continuation)
                return false
            }
            // It serves others too: it goes on when the one who asked first has gone.
            if isFirst { Task { await self.serve([continuation], read, ask) } }
        }
        return try result.get()
    }

    private func serve(
        _ first: [Waiting],
        _ read: Read,
        _ ask: @Sendable () async -> Result<JSONValue, Refusal>
    ) async {
        var served = first
        while !served.isEmpty {
            let result = await ask()
            for continuation in served { continuation.resume(returning: result) }
            served = waiting.withLock { waiting in
                let next = waiting[read] ?? []
                waiting[read] = next.isEmpty ? nil : []
                return next
            }
        }
    }
}
