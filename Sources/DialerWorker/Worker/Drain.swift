package import AMQP
package import Contracts
import ServiceLifecycle

/// Leaves in order at graceful shutdown: says so, refuses what comes, lets live calls end, and ends those that last.
///
/// It has to be the last of the services, so that it is the first to be shut down while all others still work.
package struct Drain: ServiceLifecycle.Service {
    let worker: Worker
    let reporter: StatusReporter
    let client: AMQPClient
    /// How long live calls may go on.
    let limit: Milliseconds

    /// Without a broker nothing can be reported, and the publisher will use up its own time trying to.
    private static let limitWithoutBroker = Milliseconds(4000)
    /// How long the provider may take to end the calls.
    private static let hangUpLimit = Milliseconds(1000)

    package init(worker: Worker, reporter: StatusReporter, client: AMQPClient, limit: Milliseconds) {
        self.worker = worker
        self.reporter = reporter
        self.client = client
        self.limit = limit
    }

    package func run() async throws {
        try? await gracefulShutdown()
        // A cancelled daemon has no time to be polite; its journal says what was open.
        if Task.isCancelled { return }
        _ = worker.submit([.leave])
        await wait(Drain.hangUpLimit) { worker.isLeaving }
        await reporter.tell()
        await wait(client.isReady ? limit : min(limit, Drain.limitWithoutBroker)) { worker.liveCount == 0 }
        guard worker.liveCount > 0 else { return }
        _ = worker.submit([.hangUpAll])
        await wait(Drain.hangUpLimit) { worker.liveCount == 0 }
    }

    private func wait(_ limit: Milliseconds, until isDone: () -> Bool) async {
        let deadline = ContinuousClock.now + .milliseconds(limit.count)
        while !isDone(), ContinuousClock.now < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }
}
