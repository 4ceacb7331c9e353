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
        await Manager.outdial.reply(to: request, logger: logger) {
            if OutdialReads.methods.contains(request.method) { return try reads.answer(request) }
            switch request.method {
            case "target.rearm": return try await rearm(request)
            case "target.import" where !request.params["dry_run"].isNull: return try await dryRuns.check(request)
            default: return await change(request)
            }
        }
    }

    /// Has a turn of the writer do it. Running calls can still end when the disk is nearly full; new work waits until
    /// there is room.
    func change(_ request: Request) async -> Reply {
        await writer.answer(of: .outdial) { .request(request, answer: $0) }
    }
}
