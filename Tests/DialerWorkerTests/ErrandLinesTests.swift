import Contracts
import Testing

@testable import DialerWorker

@Suite("The lines of web requests")
struct ErrandLinesTests {
    private func errand(_ customer: UInt64, _ number: Int = 1) -> FlowErrand {
        FlowErrand(
            attempt: Sample.attempt(1),
            number: number,
            campaign: Sample.campaign,
            customer: Sample.id(customer),
            target: Sample.target,
            what: .web(WebRequest(method: "GET", url: "https://example.com/", contentType: "", body: ""))
        )
    }

    @Test func aCustomerWhoseServersAreSlowLeavesRoomForOthers() {
        var lines = ErrandLines()
        for number in 1...1000 { _ = lines.add(errand(1, number)) }
        var begun: [Int?] = []
        while let next = lines.next() { begun.append(next.number) }
        #expect(begun == Array(1...ErrandLines.webLimit / 2), "half of the places, in order")
        _ = lines.add(errand(2))
        let other = lines.next()
        #expect(other?.customer == Sample.id(2), "at once, before 968 of the other")
        let none = lines.next()
        #expect(none == nil)
        lines.ended(errand(2))
        lines.ended(errand(1))
        let next = lines.next()
        #expect(next?.number == ErrandLines.webLimit / 2 + 1)
    }

    @Test func customersTakeTurns() {
        var lines = ErrandLines()
        for number in 1...3 { for customer in 1...2 as ClosedRange<UInt64> { _ = lines.add(errand(customer, number)) } }
        var begun: [ID] = []
        while let next = lines.next() { begun.append(next.customer) }
        #expect(begun == (1...3).flatMap { _ in [Sample.id(1), Sample.id(2)] })
    }

    @Test func whatComesOnTopOfTheLimitIsRefused() {
        var lines = ErrandLines()
        let taken = (1...ErrandLines.queueLimit).count { lines.add(errand(1, $0)) }
        #expect(taken == ErrandLines.queueLimit)
        let surplus = lines.add(errand(2))
        #expect(!surplus)
        _ = lines.next()
        let after = lines.add(errand(2))
        #expect(after)
    }
}
