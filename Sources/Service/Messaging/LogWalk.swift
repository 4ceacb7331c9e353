import EventLog
import Logging
import ServiceLifecycle

/// Follows a log batch by batch, until graceful shutdown and a moment longer.
///
/// A batch that fails is tried again with growing pauses, and nothing behind it is begun before it succeeds.
struct LogWalk: Sendable {
    /// Handles what is after the position and answers how far it came. Without a deadline it ends when the task is
    /// cancelled; with one it gives up then.
    typealias Batch = @Sendable (_ after: Int64, _ deadline: ContinuousClock.Instant?) async throws -> Int64

    /// The publisher's name, for what is logged.
    let name: String
    let writer: any LogHead
    let logger: Logger
    /// How long the end of the log may take after graceful shutdown.
    let flushLimit: Duration

    /// Walks from `start` on. What the flush leaves is for the next start.
    func run(from start: Int64, _ batch: @escaping Batch) async {
        let position = Locked(start)
        // Waiting ends at graceful shutdown; a batch that is under way is cut short and published again by the flush.
        await cancelWhenGracefulShutdown {
            var failures = Failures()
            while !Task.isCancelled {
                let reached = position.value
                guard await writer.position(after: reached) > reached else {
                    try? await Task.sleep(for: .milliseconds(20))
                    continue
                }
                do {
                    position.value = try await batch(reached, nil)
                    failures = Failures()
                } catch is CancellationError {
                    return
                } catch {
                    report(error, after: reached, &failures)
                    try? await Task.sleep(for: failures.nextPause())
                }
            }
        }
        await flush(from: position.value, batch)
    }

    /// What went wrong since the last batch that succeeded.
    private struct Failures {
        var texts: Set<String> = []
        private var pause = Duration.milliseconds(20)

        mutating func nextPause() -> Duration {
            defer { pause = min(pause * 2, .seconds(1)) }
            return pause
        }
    }

    /// Logs each distinct error once: nothing behind such an event is published before it can be.
    private func report(_ error: any Error, after position: Int64, _ failures: inout Failures) {
        let text = "\(error)"
        // A text that differs each time must not fill memory.
        guard failures.texts.count < 100, failures.texts.insert(text).inserted else { return }
        logger.error(
            "cannot publish from the log, trying again",
            metadata: ["publisher": .string(name), "position": .stringConvertible(position), "error": .string(text)]
        )
    }

    /// Publishes what is left, within the limit. The rest is published after the next start.
    private func flush(from start: Int64, _ batch: Batch) async {
        let deadline = ContinuousClock.now + flushLimit
        var position = start
        while position < writer.head, ContinuousClock.now < deadline, !Task.isCancelled {
            do {
                position = try await batch(position, deadline)
            } catch {
                var failures = Failures()
                if !(error is CancellationError) { report(error, after: position, &failures) }
                return
            }
        }
    }
}
