import TestSupport
import Testing

extension SystemTests {
    /// Every process dies once at every point of every step of the protocol, and each time the campaign ends by itself,
    /// nobody is dialed twice for one attempt, and the logs agree.
    @Suite struct ProtocolCrashTests {
        /// How many systems run at once; each has five processes that mostly wait.
        private static let width = 3

        @Test(.serialized, arguments: ProtocolStep.selected)
        func theStepSurvivesACrashAtEachPoint(_ step: ProtocolStep) async throws {
            var problems: [String] = []
            await withTaskGroup(of: [String].self) { group in
                for (index, crash) in step.cases.enumerated() {
                    if index >= Self.width { problems += await group.next() ?? [] }
                    group.addTask { await crash.run() }
                }
                for await more in group { problems += more }
            }
            #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
            try await FaultySystem.tidyBroker()
        }
    }
}
