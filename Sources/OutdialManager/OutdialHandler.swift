package import Contracts
package import EventLog
package import Logging

/// Takes outdial-manager's requests: reads are answered beside the writer, changes go into its turns.
package struct OutdialHandler: Sendable {
    let writer: LogWriter<OutdialInput>
    let reads: OutdialReads
    let logger: Logger

    package init(writer: LogWriter<OutdialInput>, reads: OutdialReads, logger: Logger) {
        self.writer = writer
        self.reads = reads
        self.logger = logger
    }

    package func handle(_ request: Request) async -> Reply {
        if OutdialReads.methods.contains(request.method) {
            do {
                return try reads.answer(request)
            } catch {
                logger.error("a request failed", metadata: ["method": .string(request.method), "error": "\(error)"])
                return .refused(
                    Refusal(.unknown, "INTERNAL", "the request failed; the log of outdial-manager says why")
                )
            }
        }
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
