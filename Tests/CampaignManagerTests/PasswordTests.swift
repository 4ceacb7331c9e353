import CampaignManager
import Contracts
import Service
import TestSupport
import Testing

@Suite struct PasswordTests {
    @Test func `a password is verified, another one is not, and nobody's is never right`() async throws {
        let hasher = PasswordHasher()
        let stored = try await hasher.hash("correct horse")
        #expect(stored.hasPrefix("scrypt$32768$8$1$"))
        #expect(try await hasher.verify("correct horse", against: stored))
        #expect(try await !hasher.verify("wrong horse", against: stored))
        #expect(try await !hasher.verify("correct horse", against: nil))
    }

    /// The cost is the same: one derivation with the same parameters.
    @Test func `an unknown name takes as long as a known one`() async throws {
        let hasher = PasswordHasher()
        let stored = try await hasher.hash("correct horse")
        func shortest(_ hash: String?) async throws -> Duration {
            var best = Duration.seconds(60)
            for _ in 0..<3 {
                let begin = ContinuousClock.now
                _ = try await hasher.verify("wrong horse", against: hash)
                best = min(best, ContinuousClock.now - begin)
            }
            return best
        }
        let (known, unknown) = (try await shortest(stored), try await shortest(nil))
        #expect(unknown > known * 0.5 && unknown < known * 2, "\(unknown) against \(known)")
    }

    @Test func `so many work at once, the others in the order in which they came, and no more wait`() async throws {
        let slots = HashingSlots(count: 2, limit: 3)
        let (gate, open) = AsyncStream<Void>.makeStream()
        let log = Locked<[Int]>([])
        let running = Locked((now: 0, most: 0))
        try await withThrowingTaskGroup { group in
            for index in 0..<2 {
                group.addTask {
                    try await slots.withSlot {
                        running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                        for await _ in gate { break }
                        running.withLock { $0.now -= 1 }
                        log.withLock { $0.append(index) }
                    }
                }
            }
            while running.value.now < 2 { await Task.yield() }
            for index in 2..<5 {
                group.addTask {
                    try await slots.withSlot {
                        running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                        log.withLock { $0.append(index) }
                        await Task.yield()
                        running.withLock { $0.now -= 1 }
                    }
                }
                while slots.waitingCount < index - 1 { await Task.yield() }
            }
            await #expect {
                try await slots.withSlot {}
            } throws: { error in
                (error as? Refusal)?.reason == "RATE_LIMIT_EXCEEDED"
            }
            open.finish()
            try await group.waitForAll()
        }
        #expect(running.value.most == 2)
        #expect(log.value.filter { $0 > 1 }.first == 2)
        #expect(log.value.count == 5)
        try await slots.withSlot {}
    }

    @Test func `a name is tried ten times at once, and then once every six seconds`() {
        var limit = LoginLimit()
        for _ in 0..<10 { #expect(limit.attempt("ann", from: "net", at: moment(0)) == nil) }
        #expect(limit.attempt("ann", from: "net", at: moment(0)) == 6)
        #expect(limit.attempt("bob", from: "net", at: moment(0)) == nil)
        #expect(limit.attempt("ann", from: "net", at: moment(4)) == 2)
        #expect(limit.attempt("ann", from: "net", at: moment(6)) == nil)
        #expect(limit.attempt("ann", from: "net", at: moment(6)) != nil)
        // A clock that was set back takes nothing away and gives nothing.
        #expect(limit.attempt("ann", from: "net", at: moment(-100)) != nil)
        // Who knows the password is not shut out.
        for _ in 0..<30 {
            #expect(limit.attempt("eve", from: "net", at: moment(0)) == nil)
            limit.succeed("eve", from: "net", at: moment(0))
        }
        for _ in 0..<10 { #expect(limit.attempt("ann", from: "net", at: moment(600)) == nil) }
        #expect(limit.attempt("ann", from: "net", at: moment(600)) != nil)
    }

    @Test func `whoever tries a name keeps out only those of their own network, until it is tried from everywhere`() {
        var limit = LoginLimit()
        for _ in 0..<20 { _ = limit.attempt("ann", from: "a", at: moment(0)) }
        #expect(limit.attempt("ann", from: "a", at: moment(0)) != nil)
        #expect(limit.attempt("ann", from: "b", at: moment(0)) == nil)
        // A hundred networks together guess a hundred times, and then once a second.
        let tried = (0..<200).count { limit.attempt("ann", from: "net \($0)", at: moment(0)) == nil }
        #expect(tried == 100 - 11)
        #expect(limit.attempt("ann", from: "c", at: moment(0)) == 1)
        #expect(limit.attempt("ann", from: "c", at: moment(1)) == nil)
    }

    @Test func `names that are tried do not fill the memory, and the one that is tried most is kept`() {
        var limit = LoginLimit(capacity: 200)
        for _ in 0..<10 { _ = limit.attempt("ann", from: "net", at: moment(0)) }
        for index in 0..<500 { _ = limit.attempt("name \(index)", from: "net", at: moment(0)) }
        #expect(limit.count <= 200)
        #expect(limit.attempt("ann", from: "net", at: moment(0)) != nil)
        for index in 0..<201 { _ = limit.attempt("later \(index)", from: "net", at: moment(100)) }
        #expect(limit.count <= 200)
    }
}
