package import Contracts
package import EventLog
package import Logging
import Service

/// Takes outdial-manager's requests: reads are answered beside the writer, changes go into its turns.
package struct OutdialHandler: Sendable {
    let writer: LogWriter<OutdialInput>
    let reads: OutdialReads
    let dryRuns: DryRuns
    let idempotent: IdempotentRequests
    let logger: Logger

    package init(writer: LogWriter<OutdialInput>, reads: OutdialReads, logger: Logger) {
        self.writer = writer
        self.reads = reads
        dryRuns = DryRuns(reads: reads)
        idempotent = IdempotentRequests(log: reads.log, clock: reads.clock, joined: ["target.rearm"])
        self.logger = logger
    }

    package func handle(_ request: Request) async -> Reply {
        await idempotent.answer(request, perform: perform) { _ = await change($0) }
    }

    private func perform(_ request: Request) async -> Reply {
        do {
            if OutdialReads.methods.contains(request.method) { return try reads.answer(request) }
            switch request.method {
            case "target.rearm": return try await rearm(request)
            case "target.import" where !request.params["dry_run"].isNull: return try await dryRuns.check(request)
            default: return await change(request)
            }
        } catch let refusal as Refusal {
            return .refused(refusal)
        } catch let error as JSONError {
            return .refused(Refusal(.invalidArgument, "INVALID_ARGUMENT", error.message))
        } catch {
            logger.error("a request failed", metadata: ["method": .string(request.method), "error": "\(error)"])
            return .refused(Refusal(.unknown, "INTERNAL", "the request failed; the log of outdial-manager says why"))
        }
    }

    /// Has a turn of the writer do it.
    func change(_ request: Request) async -> Reply {
        // Running calls can still end when the disk is nearly full; new work waits until there is room.
        guard !writer.isSpaceLow else {
            return .refused(
                Refusal(
                    .insufficientStorage,
                    "STORAGE_LOW",
                    "the disk of outdial-manager is nearly full; free space first"
                )
            )
        }
        return await withCheckedContinuation { continuation in
            let isTaken = writer.submit([.request(request, answer: { continuation.resume(returning: $0) })])
            if !isTaken {
                continuation.resume(returning: .refused(.unavailable("outdial-manager is too busy; try again")))
            }
        }
    }
}
