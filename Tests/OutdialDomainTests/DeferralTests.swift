import Contracts
import OutdialDomain
import TestSupport
import Testing

/// What stands against a call although it is a target's turn.
@Suite struct DeferralTests {
    private static let plan = DialPlan(maximumTries: [2, 2, 0, 0, 0], tryInterval: 60_000)
    private static let two: [Address?] = [tel("+15550000001"), tel("+15550000002")]

    private func target(_ events: TargetEvent...) throws -> Target {
        try #require(given(Target.self, [TargetRulesTests.created(Self.two)] + events))
    }

    private func lease(
        _ target: Target,
        plan: DialPlan = plan,
        at second: Int = 0,
        _ change: (inout DialingConditions) -> Void
    ) throws -> [TargetEvent] {
        var conditions = DialingConditions()
        change(&conditions)
        return try target.lease(
            attempt: id(20),
            request: id(901),
            campaign: id(5),
            run: 1,
            plan: plan,
            now: moment(second),
            under: conditions
        )
    }

    private func after(_ events: [TargetEvent], on target: Target, at second: Int = 0) throws -> Target {
        var state: Target? = target
        for event in events { Target.evolve(&state, event, at: moment(second)) }
        return try #require(state)
    }

    // MARK: - Windows

    @Test func outsideItsWindowItIsDeferredOnceUntilTheOpening() throws {
        let events = try lease(try target()) {
            $0.opening = { _, _ in .closed(until: moment(3600), zone: "Europe/Berlin") }
        }
        #expect(
            events == [.deferred(.init(reason: .outsideWindow, until: moment(3600), zone: "Europe/Berlin"))]
        )
        let deferred = try after(events, on: try target())
        #expect(deferred.isSelectable)
        #expect(deferred.dueAt == moment(3600))
        #expect(deferred.resource["next_try_at"].integer == moment(3600).microseconds)
        #expect(deferred.resource["deferral_reason"].string == "outside_window")
        // Nothing more is recorded before the opening.
        #expect(try lease(deferred, at: 3599) { _ in }.isEmpty)
        #expect(try lease(deferred, at: 3600) { _ in }.count == 1)
    }

    @Test func anUnknownZoneIsNeverGuessed() throws {
        #expect(try lease(try target()) { $0.opening = { _, _ in .unknownZone } } == [.closed(reason: "unknown_zone")])
        #expect(try lease(try target()) { $0.opening = { _, _ in .never } } == [.closed(reason: "no_window")])
    }

    @Test func theTargetsOwnZoneComesBeforeThatOfItsNumber() throws {
        let berlin = tel("+4930123456")
        let draft = TargetDraft(timeZone: "Asia/Tokyo", destinations: [berlin])
        let events = [TargetEvent.created(draft, id: id(1), outdial: id(2), customer: id(3), at: moment(0))]
        let own = try #require(given(Target.self, events))
        #expect(own.place(of: berlin).zones == ["Asia/Tokyo"])
        #expect(try target().place(of: berlin).zones == ["Europe/Berlin"])
        #expect(try target().place(of: Address(type: "sip", target: "sip:a@b")).zones.isEmpty)
    }

    @Test func aChangedZoneOrNumberIsJudgedAtOnce() throws {
        let deferral = TargetEvent.deferred(.init(reason: .outsideWindow, until: moment(3600)))
        let renamed = try after([.updated(TargetChanges(name: "Ann"))], on: try target(deferral))
        #expect(renamed.dueAt == moment(3600))
        let moved = try after([.updated(TargetChanges(timeZone: "Asia/Tokyo"))], on: try target(deferral))
        #expect(moved.deferral == nil)
        #expect(moved.dueAt == moment(0))
        let renumbered = TargetChanges(destinations: [0: tel("+4930123456")])
        #expect(try after([.updated(renumbered)], on: try target(deferral)).deferral == nil)
    }

    // MARK: - Do-not-call lists

    @Test func aListedNumberIsSkippedLikeOneWithoutTries() throws {
        let lists = [ListVersion(list: id(40), version: 7)]
        let events = try lease(try target()) {
            $0.lists = lists
            $0.isListed = { $0 == "+15550000001" }
        }
        guard case .leased(let lease, _)? = events.first else {
            Issue.record("not leased: \(events)")
            return
        }
        #expect(lease.destinationIndex == 1)
        #expect(lease.checkedLists == lists)
        #expect(try Target.Lease(json: lease.json) == lease)
    }

    @Test func withoutAnotherNumberItIsDone() throws {
        #expect(try lease(try target()) { $0.isListed = { _ in true } } == [.closed(reason: "do_not_call")])
        // The plan decides first: without a try for anybody it is that.
        let none = DialPlan(maximumTries: [0, 0, 1, 0, 0], tryInterval: 0)
        #expect(
            try lease(try target(), plan: none) { $0.isListed = { _ in true } } == [.closed(reason: "max_try_count")]
        )
    }

    @Test func theWorkersRefusalGivesTheTryBackAndClosesIt() throws {
        let single = DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 60_000)
        let target = try target(TargetRulesTests.leased(10))
        let end = TargetRulesTests.finished(10, .notPlaced, .doNotCall, at: 5)
        let closed = try after(target.finish(end, plan: single), on: target)
        #expect(closed.status == .done)
        #expect(closed.resultReason == "do_not_call")
        #expect(closed.tryCounts == [0, 0, 0, 0, 0])
        // With another number left it is looked at again.
        let other = try after(target.finish(end, plan: Self.plan), on: target)
        #expect(other.status == .idle)
        #expect(other.dueAt == moment(5))
    }

    @Test func whoOptsOutDuringACallIsNeverDialedAgainWhateverItsResult() throws {
        for reason in [HangupReason.normal, .busy, .outcomeUnknown] {
            let leased = try target(TargetRulesTests.leased(10))
            #expect(leased.optOut() == [.optedOut])
            let told = try after(leased.optOut(), on: leased)
            #expect(told.optOut().isEmpty)
            #expect(try Target(json: told.json) == told)
            let end = TargetRulesTests.finished(10, .placed, reason, at: 5)
            let done = try after(told.finish(end, plan: Self.plan), on: told)
            #expect(done.status == .done)
            #expect(done.resultReason == "do_not_call")
            #expect(done.tryCounts[0] == 1)
            #expect(done.optOut().isEmpty)
            // The result may have come first: it is the same in the end.
            let first = try after(leased.finish(end, plan: Self.plan), on: leased)
            let late = try after(first.optOut(), on: first)
            #expect(late.status == .done)
            #expect(late.resultReason == "do_not_call")
        }
    }

    // MARK: - One call for a number

    @Test func aNumberThatIsBeingCalledIsDeferredUntilThatAttemptEnds() throws {
        let events = try lease(try target()) { $0.holder = { $0 == "+15550000001" ? id(77) : nil } }
        #expect(
            events == [.deferred(.init(reason: .numberBusy, until: nil, by: id(77), number: "+15550000001"))]
        )
        let deferred = try after(events, on: try target())
        #expect(deferred.dueAt == .endOfTime)
        #expect(deferred.blockedNumber == "+15550000001")
        #expect(deferred.resource["next_try_at"] == .null)
        let resumed = try after(deferred.resume(), on: deferred, at: 60)
        #expect(resumed.dueAt == moment(0))
        #expect(resumed.resume().isEmpty)
    }

    @Test func aNumberOfACallThatNobodyKnowsTheEndOfIsHeldAsLongAsItMayLast() throws {
        let events = try lease(try target(), at: 30) { $0.lastCall = { _ in moment(90) } }
        #expect(events == [.deferred(.init(reason: .numberBusy, until: moment(90)))])
        let deferred = try after(events, on: try target())
        #expect(deferred.dueAt == moment(90) && deferred.blockedNumber == nil)
        guard case .leased? = try lease(try target(), at: 90, { $0.lastCall = { _ in moment(90) } }).first else {
            Issue.record("not leased when nobody can be on the line any more")
            return
        }
    }

    @Test func aNumberThatWasCalledJustNowWaits() throws {
        let plan = DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 0, minimumInterval: 60_000)
        let events = try lease(try target(), plan: plan, at: 30) { $0.lastCall = { _ in moment(10) } }
        #expect(events == [.deferred(.init(reason: .numberRecent, until: moment(70)))])
        guard case .leased? = try lease(try target(), plan: plan, at: 70, { $0.lastCall = { _ in moment(10) } }).first
        else {
            Issue.record("not leased when the interval is over")
            return
        }
    }

    @Test func callsAreKnownByTheNumberAlsoWhenItIsNoDestinationAnyMore() throws {
        let leased = try target(TargetRulesTests.leased(10))
        let end = TargetRulesTests.finished(10, .placed, .busy, at: 5)
        var called = try after(leased.finish(end, plan: Self.plan), on: leased)
        called = try after([.updated(TargetChanges(destinations: [0: tel("+4930123456")]))], on: called)
        #expect(called.pastCalls == [.init(number: "+15550000001", endedAt: moment(5))])
        #expect(try Target(json: called.json) == called)
        let refused = TargetRulesTests.finished(10, .notPlaced, .notDialed, at: 5)
        #expect(try after(leased.finish(refused, plan: Self.plan), on: leased).pastCalls.isEmpty)
    }

    @Test func numbersAreComparedInOneForm() throws {
        #expect(try DialedNumber.read(" +1 (555) 000-0001", field: "number") == "+15550000001")
        #expect(try DialedNumber.read("15550000001", field: "number") == "+15550000001")
        #expect(try DialedNumber.read("Ann@Example.com", field: "number") == "ann@example.com")
        #expect(DialedNumber.key(of: Address(type: "sip", target: "sip:Ann@example.com")) == "ann@example.com")
        #expect(throws: Refusal.self) { try DialedNumber.read("hello", field: "number") }
        #expect(throws: Refusal.self) { try DialedNumber.read("", field: "number") }
    }

    @Test func eventsAndPlansSurviveTheirWrittenForm() throws {
        let deferrals: [TargetEvent] = [
            .deferred(.init(reason: .outsideWindow, until: moment(1), zone: "UTC")),
            .deferred(.init(reason: .numberBusy, until: nil, by: id(7), number: "+15550000001")), .resumed, .optedOut,
        ]
        for event in deferrals {
            #expect(try TargetEvent(type: event.type, schema: 1, json: event.json) == event)
        }
        let hours = CallingHours(
            windows: [CallingWindow(weekdays: [1, 5], from: 540, to: 1440)],
            holidays: [CalendarDate(year: 2026, month: 12, day: 25)]
        )
        let plan = DialPlan(maximumTries: [1, 1, 1, 1, 1], tryInterval: 5, hours: hours, minimumInterval: 9)
        #expect(try DialPlan(json: plan.json) == plan)
        #expect(try DialPlan(json: Self.plan.json) == Self.plan)
    }
}
