import TestSupport
import Testing

/// The system that all tests share that do not harm it; started by the first of them, with two workers.
///
/// Everything that goes over its broker is held to `schemas/` when all of them are over.
actor SharedSystem {
    static let current = SharedSystem()
    private var starting: Task<CarillonSystem, any Error>?
    private var broker: PrivateBroker?
    private var tap: WireTap?

    /// The running system.
    func system() async throws -> CarillonSystem {
        if let starting { return try await starting.value }
        let task = Task { try await start() }
        starting = task
        return try await task.value
    }

    private func start() async throws -> CarillonSystem {
        let broker = try await PrivateBroker.start()
        self.broker = broker
        tap = try await WireTap(on: broker, prefix: "carillon")
        return try await CarillonSystem.start(timeScale: 0.05, workers: 2, amqpURL: broker.url)
    }

    fileprivate func finish() async throws {
        guard let starting else { return }
        self.starting = nil
        let system = try await starting.value
        try await system.stop()
        try await tap?.finish()
        broker?.stop()
        try await expectSoundLogs(system, isWireRead: true)
        try system.facts().expectSound()
        try await system.expectToolAgrees()
        try await expectDescribedMessages()
    }

    private func expectDescribedMessages() async throws {
        guard let tap else { return }
        var reading = WireReading(names: tap.names, isEachFormReadOnce: true)
        for message in tap.published { try await reading.read(message) }
        for message in tap.events { _ = try await reading.readEvents(message) }
        print("of the shared system: \(tap.published.count) messages, \(reading.uses.values.reduce(0, +)) documents")
    }

    /// Stops the shared system when all tests of a suite are over, and checks what must hold of all of them together.
    struct Scope: SuiteTrait, TestScoping {
        func provideScope(
            for test: Test,
            testCase: Test.Case?,
            performing function: @Sendable () async throws -> Void
        ) async throws {
            try await function()
            try await SharedSystem.current.finish()
        }
    }
}

extension Trait where Self == SharedSystem.Scope {
    /// Shares one system among the tests of this suite.
    static var sharedSystem: SharedSystem.Scope { SharedSystem.Scope() }
}
