import Contracts
import Foundation
import NIOConcurrencyHelpers
import OutboundHTTP
import TestSupport
import Testing

/// Who shares the threads of the resolver.
@Suite struct ResolverTests {
    /// Look-ups of `slow.…` that wait until they are let go.
    private final class Gate: Sendable {
        private let state = NIOLockedValueBox((isOpen: false, waiting: 0, most: 0))

        var most: Int { state.withLockedValue(\.most) }
        var waiting: Int { state.withLockedValue(\.waiting) }
        func open() { state.withLockedValue { $0.isOpen = true } }

        func look(_ host: String) -> [IPAddress] {
            guard host.hasPrefix("slow") else { return [IPAddress("192.0.2.1")].compactMap { $0 } }
            state.withLockedValue {
                $0.waiting += 1
                $0.most = max($0.most, $0.waiting)
            }
            while !state.withLockedValue(\.isOpen) { usleep(2_000) }
            state.withLockedValue { $0.waiting -= 1 }
            return [IPAddress("192.0.2.2")].compactMap { $0 }
        }
    }

    @Test(.timeLimit(.minutes(1))) func slowNamesOfOneCustomerHoldUpNobodyElse() async throws {
        let gate = Gate()
        let resolver = Resolver(look: gate.look)
        let slow = Task {
            await withTaskGroup(of: Int.self) { group in
                for number in 0..<20 {
                    group.addTask { (try? await resolver.addresses(of: "slow\(number)", for: id(1)).count) ?? 0 }
                }
                return await group.reduce(0, +)
            }
        }
        while gate.waiting < Resolver.share { try await Task.sleep(for: .milliseconds(2)) }

        #expect(try await resolver.addresses(of: "quick", for: id(2)).count == 1)
        gate.open()

        #expect(await slow.value == 20)
        #expect(gate.most == Resolver.share)
        await resolver.shutDown()
    }
}
