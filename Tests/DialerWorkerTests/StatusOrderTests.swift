import DialerWorker
import Service
import Testing

@Suite("Statuses and journal messages")
struct StatusOrderTests {
    /// A log that is always ten longer than asked.
    private final class GrowingLog: LogHead {
        private let last = Locked<Int64>(0)

        var head: Int64 { last.withLock { $0 } }
        func noteCursor(_ name: String, _ position: Int64) {}
        func position(after position: Int64) async -> Int64 {
            last.withLock { $0 = position + 10 }
            return position + 10
        }
    }

    private func accepted() -> Acceptance {
        let acceptance = Acceptance()
        acceptance.give()
        return acceptance
    }

    @Test("are held back until the journal is accepted")
    func unaccepted() async {
        let acceptance = Acceptance()
        let order = StatusOrder(log: GrowingLog(), acceptance: acceptance)
        let hasPublished = Locked(false)
        let publisher = Task {
            _ = await order.position(after: 0)
            hasPublished.withLock { $0 = true }
        }
        for _ in 0..<50 { await Task.yield() }
        #expect(hasPublished.withLock { $0 } == false)
        // What is left at the end counts as nothing.
        #expect(order.head == 0)
        acceptance.give()
        await publisher.value
        #expect(order.head == 10)
    }

    @Test("never overtake each other: a status tells the head of all that was published before it")
    func order() async {
        let order = StatusOrder(log: GrowingLog(), acceptance: accepted())
        let published = Locked<Int64>(0)
        let publisher = Task {
            while !Task.isCancelled {
                let position = published.withLock { $0 }
                let next = await order.position(after: position)
                if Task.isCancelled { return }
                published.withLock { $0 = next }
                await Task.yield()
            }
        }
        for _ in 0..<20 {
            await order.tell(limit: .seconds(10)) { head in
                let before = published.withLock { $0 }
                #expect(head >= before)
                for _ in 0..<20 { await Task.yield() }
                #expect(published.withLock { $0 } == before)
            }
        }
        publisher.cancel()
        await publisher.value
    }

    @Test("do not wait for ever: a status is left out while the publisher is stuck")
    func stuckPublisher() async {
        let order = StatusOrder(log: GrowingLog(), acceptance: accepted())
        _ = await order.position(after: 0)
        let told = Locked(false)
        await order.tell(limit: .zero) { _ in told.withLock { $0 = true } }
        #expect(told.withLock { $0 } == false)
        // Afterwards the publisher is not held back.
        #expect(await order.position(after: 10) == 20)
    }
}
