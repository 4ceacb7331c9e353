import Contracts
import OutdialDomain
import TestSupport
import Testing

@Suite struct TargetRulesTests {
    static let plan = DialPlan(maximumTries: [2, 1, 0, 1, 0], tryInterval: 60_000)

    static func created(_ destinations: [Address?] = [tel("+15550000001")]) -> TargetEvent {
        .created(TargetDraft(destinations: destinations), id: id(1), outdial: id(2), customer: id(3), at: moment(0))
    }

    static func leased(_ attempt: UInt64, destination: Int = 0, tryCount: Int = 1) -> TargetEvent {
        let lease = Target.Lease(
            attempt: id(attempt),
            request: id(900),
            campaign: id(5),
            run: 1,
            destinationIndex: destination
        )
        return .leased(lease, tryCount: tryCount)
    }

    static func finished(
        _ attempt: UInt64,
        _ outcome: AttemptFinished.Outcome,
        _ reason: HangupReason,
        at second: Int
    ) -> AttemptFinished {
        AttemptFinished(
            attempt: id(attempt),
            target: id(1),
            outdial: id(2),
            outcome: outcome,
            result: reason.result,
            reason: reason.rawValue,
            endedAt: moment(second)
        )
    }

    /// The target after `events`, the last attempt ended by `end`.
    static func after(_ events: [TargetEvent], _ end: AttemptFinished) throws -> Target {
        let target = try #require(given(Target.self, events))
        return try #require(given(Target.self, events + target.finish(end, plan: plan)))
    }

    func lease(_ target: Target, plan: DialPlan = Self.plan, at second: Int) throws -> [TargetEvent] {
        try target.lease(attempt: id(20), request: id(901), campaign: id(5), run: 1, plan: plan, now: moment(second))
    }

    @Test func `a new target is leased at once, on its first destination`() throws {
        let target = try #require(given(Target.self, [Self.created()]))
        guard case .leased(let lease, let tryCount)? = try lease(target, at: 0).first else {
            Issue.record("not leased")
            return
        }
        #expect(lease.destinationIndex == 0)
        #expect(tryCount == 1)
    }

    @Test func `success ends the target`() throws {
        let target = try Self.after([Self.created(), Self.leased(10)], Self.finished(10, .placed, .normal, at: 30))
        #expect(target.status == .done)
        #expect(target.result == "success")
        #expect(target.tryCounts == [1, 0, 0, 0, 0])
        #expect(try lease(target, at: 100_000).isEmpty)
    }

    @Test func `a fail waits for try_interval, counted from the end of the call`() throws {
        let target = try Self.after([Self.created(), Self.leased(10)], Self.finished(10, .placed, .busy, at: 30))
        #expect(target.status == .idle)
        #expect(target.nextTryAt == moment(90))
        #expect(try lease(target, at: 89).isEmpty)
        #expect(try lease(target, at: 90).count == 1)
    }

    @Test func `destinations come strictly in order, the next one only when the earlier has no tries left`() throws {
        let destinations = [tel("+15550000001"), tel("+15550000002"), tel("+15550000003"), tel("+15550000004")]
        var events = [Self.created(destinations)]
        var dialed: [Int] = []
        var second = 0
        while true {
            let target = try #require(given(Target.self, events))
            guard case .leased(let lease, let count)? = try lease(target, at: second).first else { break }
            dialed.append(lease.destinationIndex)
            events.append(.leased(lease, tryCount: count))
            let busy = Self.finished(20, .placed, .busy, at: second)
            let leased = try #require(given(Target.self, events))
            events += leased.finish(busy, plan: Self.plan)
            second += 60
        }
        // Twice the first, once the second, never the third (its maximum is 0), once the fourth.
        #expect(dialed == [0, 0, 1, 3])
        let target = try #require(given(Target.self, events))
        #expect(target.status == .done)
        #expect(target.result == "fail")
        #expect(target.resultReason == "busy")
        #expect(target.tryCounts == [2, 1, 0, 1, 0])
    }

    @Test func `an attempt that was never placed gives its try back and waits 1, 2, 4 and at most 60 seconds`() throws {
        let target = try Self.after(
            [Self.created(), Self.leased(10)],
            Self.finished(10, .notPlaced, .notDialed, at: 5)
        )
        #expect(target.tryCounts == [0, 0, 0, 0, 0])
        #expect(target.status == .idle)
        #expect(target.nextTryAt == moment(6))
        #expect(
            (0...8).map { Target.notPlacedPause(after: $0).count }
                == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { $0 * 1000 }
        )
    }

    @Test func `a cancel of ours gives the only try back and the target is idle at once`() throws {
        let target = try Self.after([Self.created(), Self.leased(10)], Self.finished(10, .cancelled, .cancel, at: 5))
        #expect(target.tryCounts == [0, 0, 0, 0, 0])
        #expect(target.status == .idle)
        #expect(try lease(target, at: 5).count == 1)
    }

    @Test func `an unknown outcome uses a try`() throws {
        let target = try Self.after(
            [Self.created(), Self.leased(10)],
            Self.finished(10, .placed, .outcomeUnknown, at: 5)
        )
        #expect(target.tryCounts[0] == 1)
        #expect(target.nextTryAt == moment(65))
    }

    @Test func `the end of an attempt that it does not hold changes nothing`() throws {
        let target = try #require(given(Target.self, [Self.created(), Self.leased(10)]))
        #expect(target.finish(Self.finished(11, .placed, .normal, at: 9), plan: Self.plan).isEmpty)
        let done = try Self.after([Self.created(), Self.leased(10)], Self.finished(10, .placed, .normal, at: 9))
        #expect(done.finish(Self.finished(10, .placed, .busy, at: 10), plan: Self.plan).isEmpty)
    }

    @Test func `a deleted target is never leased, and its running attempt can still end`() throws {
        let events = [Self.created(), Self.leased(10), .deleted]
        let target = try Self.after(events, Self.finished(10, .placed, .busy, at: 5))
        #expect(target.status == .idle)
        #expect(!target.isSelectable)
        #expect(try lease(target, at: 100_000).isEmpty)
    }

    @Test func `a target without tries under the plan in force is closed when it is due`() throws {
        let target = try #require(given(Target.self, [Self.created()]))
        let nothing = DialPlan(maximumTries: [0, 1, 0, 0, 0], tryInterval: 0)
        #expect(try lease(target, plan: nothing, at: 0) == [.closed(reason: "max_try_count")])
    }

    @Test func `every event survives its stored form`() throws {
        let target = try #require(
            given(Target.self, [Self.created([tel("+15550000001"), nil, tel("+15550000002")]), Self.leased(10)])
        )
        let events =
            [Self.created(), .deleted, Self.leased(10), .closed(reason: "x")]
            + target.finish(Self.finished(10, .placed, .busy, at: 9), plan: Self.plan)
        for event in events {
            let read = try TargetEvent(type: event.type, schema: 1, json: try JSONValue(parsing: event.json.bytes))
            #expect(read == event)
        }
        #expect(try Target(json: try JSONValue(parsing: target.json.bytes)) == target)
    }
}
