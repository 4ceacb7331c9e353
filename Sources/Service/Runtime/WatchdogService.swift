import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Feeds systemd's watchdog while the loops turn, the event loop among them.
struct WatchdogService: ServiceLifecycle.Service {
    let watchdog: Watchdog
    let notifier: SystemdNotifier
    let interval: Duration
    let logger: Logger

    /// Nil when systemd does not watch this process.
    init?(_ watchdog: Watchdog, _ notifier: SystemdNotifier, logger: Logger) {
        guard let limit = notifier.watchdogInterval else { return nil }
        self.watchdog = watchdog
        self.notifier = notifier
        self.logger = logger
        // One feeding may be missed by a loop that is slow for once.
        interval = limit / 3
    }

    func run() async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        watchdog.turned("event loop")
        await cancelWhenGracefulShutdown {
            var reported: [String] = []
            while !Task.isCancelled {
                let stalled = watchdog.takeStalled()
                if stalled.isEmpty { notifier.notify("WATCHDOG=1") }
                if stalled != reported, !stalled.isEmpty {
                    logger.warning("loops do not turn", metadata: ["loops": .string(stalled.joined(separator: ", "))])
                }
                reported = stalled
                eventLoop.execute { [watchdog] in watchdog.turned("event loop") }
                try? await Task.sleep(for: interval)
            }
        }
    }
}
