import Glibc
import TestSupport
import Testing

extension SystemTests {
    /// Ctrl-C while everything is still starting.
    @Suite struct InterruptTests {
        @Test func anInterruptedStartLeavesNoProcess() async throws {
            let seed = UInt64.random(in: 0 ... .max)
            print("seed of the moments: \(seed)")
            var generator = SplitMix(seed: seed)
            // A start takes five to ten seconds, most of which is the broker's: its moments are among these.
            for slot in 0..<6 {
                let moment = Duration.milliseconds(slot * 1300 + Int.random(in: 0..<1300, using: &generator))
                let directory = try TemporaryDirectory()
                let program = try CarillonSystem.up(in: directory)
                let begin = ContinuousClock.now
                while ContinuousClock.now - begin < moment, program.isRunning {
                    try await Task.sleep(for: .milliseconds(5))
                }
                program.signal(SIGINT)
                let status = try await program.waitForExit(within: .seconds(30))
                #expect(status == 0, "after \(moment) (seed \(seed)): \(program.standardError)")
                let left = Leftovers.processes(of: directory.path)
                #expect(left.isEmpty, "after \(moment) (seed \(seed)): \(left)")
                expectNoStackTrace(program.standardError)
            }
        }
    }
}
