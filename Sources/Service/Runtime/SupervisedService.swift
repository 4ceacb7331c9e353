import ServiceLifecycle

/// A service of a daemon, which may end only when a stop was asked for.
struct SupervisedService: ServiceLifecycle.Service {
    let service: any ServiceLifecycle.Service
    let signals: StopSignals

    func run() async throws {
        do {
            try await service.run()
        } catch {
            // What a stop interrupts is no failure of its own.
            if signals.isStopping, error is CancellationError { return }
            signals.serviceEnded()
            throw error
        }
        if signals.isStopping {
            // The group takes a service that ends before its turn for a failure and cancels the others.
            try? await gracefulShutdown()
            return
        }
        signals.serviceEnded()
        throw StartupError("\(type(of: service)) ended although no stop was asked for")
    }
}
