import Service
import ServiceLifecycle

/// Keeps the provider's time.
package struct ProviderService: ServiceLifecycle.Service {
    let provider: any CallProvider

    package init(provider: any CallProvider) { self.provider = provider }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await provider.run() }
    }
}

/// Ends the daemon when campaign-manager refuses its journal: going on would risk to call people twice.
package struct JournalGuard: ServiceLifecycle.Service {
    private let path: String
    private let refusals: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    /// - Parameter path: the journal's file, which the message names.
    package init(path: String) {
        self.path = path
        (refusals, continuation) = AsyncStream.makeStream()
    }

    /// Ends ``run()`` with an error.
    package func refused(_ reason: String) { continuation.yield(reason) }

    package func run() async throws {
        for await reason in refusals.cancelOnGracefulShutdown() { throw JournalGuard.error(path: path, reason) }
    }

    /// What the operator reads, now and at each later start.
    static func error(path: String, _ reason: String) -> ConfigurationError {
        ConfigurationError("campaign-manager refuses this journal, move \(path) away and start again: \(reason)")
    }
}
