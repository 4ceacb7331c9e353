import Testing

/// The system that all tests share that do not harm it; started by the first of them, with two workers.
actor SharedSystem {
    static let current = SharedSystem()
    private var starting: Task<CarillonSystem, any Error>?

    /// The running system.
    func system() async throws -> CarillonSystem {
        if let starting { return try await starting.value }
        let task = Task { try await CarillonSystem.start(timeScale: 0.05, workers: 2) }
        starting = task
        return try await task.value
    }

    fileprivate func finish() async throws {
        guard let starting else { return }
        self.starting = nil
        let system = try await starting.value
        try await system.stop()
        try expectSoundLogs(system)
        try system.facts().expectSound()
        try await system.expectToolAgrees()
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
