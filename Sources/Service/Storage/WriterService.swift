package import EventLog
import ServiceLifecycle

/// Runs the writer of a daemon's log; at shutdown it finishes what waits and closes the log.
package struct WriterService<Input: Sendable>: ServiceLifecycle.Service {
    let writer: LogWriter<Input>

    package init(writer: LogWriter<Input>) { self.writer = writer }

    package func run() async throws {
        writer.start()
        try? await gracefulShutdown()
        writer.stop()
        await writer.stopped()
    }
}
