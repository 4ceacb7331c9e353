import Glibc
import TestSupport
import Testing

extension SystemTests {
    /// Ctrl-C while everything is still starting.
    @Suite struct InterruptTests {
        @Test func anInterruptedStartLeavesNoProcess() async throws {
            let seed = UInt64.random(in: 0 ... .max)
            print("seed of the moments: \(seed)")
            var generator = Moments(state: seed)
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

        /// SplitMix64: the same moments for the same seed.
        private struct Moments: RandomNumberGenerator {
            var state: UInt64

            mutating func next() -> UInt64 {
                state &+= 0x9E37_79B9_7F4A_7C15
                var mixed = state
                mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
                mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
                return mixed ^ (mixed >> 31)
            }
        }
    }
}
