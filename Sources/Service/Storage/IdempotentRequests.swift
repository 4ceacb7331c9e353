package import Contracts
package import EventLog

/// Lets a request with an `Idempotency-Key` be done once, before it comes to a turn: repeats have the first one's answer.
///
/// While the first one runs, the same message again (the gateway repeats what is not answered soon) waits for its
/// answer, and the client's own repeat is refused with `IDEMPOTENCY_KEY_IN_USE`.
package final class IdempotentRequests: Sendable {
    private struct Scope: Hashable {
        var customer: ID
        var path: String
        var key: String
    }

    private struct Run {
        var fingerprint: String
        var correlation: ID
        var waiters: [CheckedContinuation<Reply?, Never>] = []
    }

    private enum Entry {
        case first
        case refused(Refusal)
        case repeated
    }

    private let log: LogReader
    private let clock: @Sendable () -> Timestamp
    private let joined: Set<String>
    private let running = Locked<[Scope: Run]>([:])

    /// - Parameter joined: methods that take long: the same message again waits for the first one's answer, also
    ///   without a key.
    package init(log: LogReader, clock: @escaping @Sendable () -> Timestamp, joined: Set<String> = []) {
        self.log = log
        self.clock = clock
        self.joined = joined
    }

    /// - Parameters:
    ///   - perform: does the work; a turn that takes part stores the answer itself, by `Turn.once`.
    ///   - store: takes a request that stores an answer which no turn made.
    package func answer(
        _ request: Request,
        perform: (Request) async -> Reply,
        store: (Request) async -> Void
    ) async -> Reply {
        guard let scope = scope(of: request) else { return await perform(request) }
        switch enter(request, scope) {
        case .refused(let refusal): return .refused(refusal)
        case .repeated: return await result(of: scope, request, perform)
        case .first:
            let reply = await first(request, perform, store)
            let waiters = running.withLock { $0.removeValue(forKey: scope)?.waiters ?? [] }
            for waiter in waiters { waiter.resume(returning: reply) }
            return reply
        }
    }

    private func scope(of request: Request) -> Scope? {
        if let key = request.idempotency { return Scope(customer: request.customerID, path: key.path, key: key.key) }
        guard joined.contains(request.method) else { return nil }
        return Scope(customer: request.customerID, path: request.method, key: request.correlation.description)
    }

    private func enter(_ request: Request, _ scope: Scope) -> Entry {
        let fingerprint = request.idempotency?.fingerprint ?? ""
        return running.withLock { running in
            guard let run = running[scope] else {
                running[scope] = Run(fingerprint: fingerprint, correlation: request.correlation)
                return .first
            }
            if run.fingerprint != fingerprint { return .refused(AnsweredRequests.keyReused) }
            return run.correlation == request.correlation ? .repeated : .refused(IdempotentRequests.keyInUse)
        }
    }

    private func first(
        _ request: Request,
        _ perform: (Request) async -> Reply,
        _ store: (Request) async -> Void
    ) async -> Reply {
        guard request.idempotency != nil else { return await perform(request) }
        do {
            if let known = try stored(request) { return known }
            let reply = await perform(request)
            if reply.isLasting, try stored(request) == nil {
                var storing = request
                storing.method = AnsweredRequests.storing
                storing.params = ["reply": reply.json]
                await store(storing)
            }
            return reply
        } catch {
            return .refused(Refusal(.unknown, "INTERNAL", "the earlier answer cannot be read: \(error)"))
        }
    }

    private func stored(_ request: Request) throws -> Reply? {
        try log.read { try AnsweredRequests.answer(to: request, now: clock(), in: $0) }
    }

    /// The answer of the run under way; when that has just ended, of a run of its own, which finds what is stored.
    private func result(of scope: Scope, _ request: Request, _ perform: (Request) async -> Reply) async -> Reply {
        let reply: Reply? = await withCheckedContinuation { (continuation: CheckedContinuation<Reply?, Never>) in
            let isWaiting = running.withLock { running in
                guard running[scope] != nil else { return false }
                running[scope]?.waiters.append(continuation)
                return true
            }
            if !isWaiting { continuation.resume(returning: nil) }
        }
        if let reply { return reply }
        return await perform(request)
    }

    private static let keyInUse = Refusal(
        .failedPrecondition,
        "IDEMPOTENCY_KEY_IN_USE",
        "a request with this Idempotency-Key is being done; ask again in a second",
        details: [["retry_after": 1]]
    )
}
