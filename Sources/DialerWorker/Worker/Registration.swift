import AMQP
package import Contracts
package import Logging
package import Service

/// Shows the journal to campaign-manager and asks until it is judged.
///
/// It is a request and not an item of the worker's queue: there the judgement would come behind the commands that must
/// wait for it, and more of these than the prefetch would keep it out for ever.
package struct Registration: Sendable {
    let caller: ManagerCaller
    let worker: Worker
    let acceptance: Acceptance
    let logger: Logger
    let clock: @Sendable () -> Timestamp

    package init(
        caller: ManagerCaller,
        worker: Worker,
        acceptance: Acceptance,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.caller = caller
        self.worker = worker
        self.acceptance = acceptance
        self.logger = logger
        self.clock = clock
    }

    private static let timeout = Duration.seconds(2)
    private static let longestPause = Duration.seconds(1)

    /// Returns when the journal is accepted, and not at all when it is refused: the daemon ends then.
    func run(_ status: WorkerStatus) async {
        var pause = Duration.milliseconds(20)
        var said: Set<String> = []
        while !Task.isCancelled {
            do {
                _ = try await caller.call(.campaign, request(status), timeout: Registration.timeout).get()
                _ = worker.submit([.accepted(process: status.process)])
                return await acceptance.wait()
            } catch let refusal as Refusal where refusal.reason == Request.journalRefused {
                _ = worker.submit([.journalRefused(refusal.message)])
                // It is committed and ends the daemon.
                return await acceptance.wait()
            } catch {
                let why = (error as? Refusal)?.message ?? "it does not answer"
                if said.insert(why).inserted { logger.info("waiting for campaign-manager: \(why)") }
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Registration.longestPause)
        }
    }

    private func request(_ status: WorkerStatus) -> Request {
        var ids = IDGenerator()
        return Request(
            method: "worker.register",
            customerID: .none,
            actor: "dialer-worker/\(status.worker)",
            correlation: ids.next(at: clock()),
            params: status.json
        )
    }
}
