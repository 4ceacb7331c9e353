package import Contracts
package import EventLog
package import Logging

extension LogWriter {
    /// Has a turn answer: `input` gets what to call with the answer once all of it is committed.
    ///
    /// Refused when the disk is nearly full, unless it is possible `evenWithoutSpace`, and when too much waits.
    ///
    /// - Parameter daemon: whose disk and time it is, for the words of a refusal.
    package func answer(
        of daemon: Manager,
        evenWithoutSpace: Bool = false,
        _ input: (@escaping @Sendable (Reply) -> Void) -> Input
    ) async -> Reply {
        guard evenWithoutSpace || !isSpaceLow else {
            return .refused(
                Refusal(
                    .insufficientStorage,
                    "STORAGE_LOW",
                    "the disk of \(daemon.rawValue) is nearly full; free space first"
                )
            )
        }
        return await withCheckedContinuation { continuation in
            let isTaken = submit([input { continuation.resume(returning: $0) }])
            if !isTaken {
                continuation.resume(returning: .refused(.unavailable("\(daemon.rawValue) is too busy; try again")))
            }
        }
    }
}

extension Manager {
    /// What `work` answers to `request`, or refuses; any other error goes into the log, and not to the caller.
    package func reply(
        to request: Request,
        logger: Logger,
        _ work: () async throws -> Reply
    ) async -> Reply {
        do {
            return try await work()
        } catch let refusal as Refusal {
            return .refused(refusal)
        } catch let error as JSONError {
            return .refused(Refusal(.invalidArgument, "INVALID_ARGUMENT", error.message))
        } catch {
            logger.error("a request failed", metadata: ["method": .string(request.method), "error": "\(error)"])
            return .refused(Refusal(.unknown, "INTERNAL", "the request failed; the log of \(rawValue) says why"))
        }
    }
}
