package import EventLog
import Metrics
import ServiceLifecycle

/// Runs the writer of a daemon's log; at shutdown it finishes what waits and closes the log.
package struct WriterService<Input: Sendable>: ServiceLifecycle.Service {
    let writer: LogWriter<Input>

    package init(writer: LogWriter<Input>) { self.writer = writer }

    package func run() async throws {
        writer.start()
        let seen = Locked(writer.head)
        Watchdog.current?.ask("writer") { [writer] in
            let head = writer.head
            return seen.withLock { seen in
                defer { seen = head }
                return head != seen || writer.queued == 0
            }
        }
        await cancelWhenGracefulShutdown { await measure() }
        writer.stop()
        await writer.stopped()
        Watchdog.current?.ended("writer")
    }

    private func measure() async {
        let position = Meter(label: "carillon_log_position")
        let queue = Meter(label: "carillon_writer_queue")
        let commits = Meter(label: "carillon_log_commits")
        let pending = Meter(label: "carillon_log_wal_pending_bytes")
        while !Task.isCancelled {
            position.set(writer.head)
            queue.set(writer.queued)
            commits.set(writer.commits)
            pending.set(writer.pendingBytes)
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
