import Contracts
import EventLog
import GRDB
import OutdialDomain
import OutdialManager
import TestSupport
import Testing

/// Calling windows in turns on a real log.
@Suite struct CallingWindowTests {
    /// 2026-01-01 is a Thursday; nine to five in the person's own time.
    static let day = CallingHours(windows: [CallingWindow(weekdays: Array(0...6), from: 540, to: 1020)])
    private static let berlin = "+4930123456"

    static func plan(_ hours: CallingHours, tries: Int = 2, minimumInterval: Milliseconds = 0) -> DialPlan {
        DialPlan(
            maximumTries: [tries, 0, 0, 0, 0],
            tryInterval: 60_000,
            hours: hours,
            minimumInterval: minimumInterval
        )
    }

    private func hour(_ hour: Int) -> Timestamp { moment(hour * 3600) }

    @Test func aTargetIsDeferredOnceAndLeasedAtItsOpening() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget(Self.berlin)
        try harness.claim(plan: Self.plan(Self.day))
        // Midnight UTC is 01:00 in Berlin.
        for _ in 0..<3 { #expect(try harness.lease(5).leases.isEmpty) }
        #expect(try harness.types().filter { $0 == "target_deferred" }.count == 1)
        #expect(try harness.target(target)?.deferral?.zone == "Europe/Berlin")
        #expect(try harness.target(target)?.dueAt == hour(8))
        let progress = try harness.read("outdial.progress", ["ids": [.id(OutdialHarness.outdial)]])
        #expect(progress[OutdialHarness.outdial.description]["waiting_until"].integer == hour(8).microseconds)
        #expect(!(try harness.types().contains("outdial_exhausted")))
        // The claimant had wished for more: it is told at the opening, without asking.
        harness.now = hour(8)
        try harness.perform([])
        #expect(try harness.types().last == "outdial_ready")
        #expect(try harness.lease(5).leases.map(\.target) == [target])
        #expect(try harness.verify() == [])
    }

    @Test func aLeaseSaysHowLongItsCallMayBePlacedHoweverLateItIsTold() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        try harness.addTarget(Self.berlin)
        try harness.claim(plan: Self.plan(Self.day))
        harness.now = hour(9)
        let lease = try #require(try harness.lease(1).leases.first)
        #expect(lease.startBy == hour(9) + 30_000)
        harness.now = hour(10)
        let open = try harness.read("outdial.open_leases", ["outdial_id": .id(OutdialHarness.outdial)])
        #expect(try open.requireArray("leases").map { try Lease(json: $0).startBy } == [hour(9) + 30_000])
        // Without hours campaign-manager decides alone.
        let another = try OutdialHarness()
        try another.makeOutdial()
        try another.addTarget(Self.berlin)
        try another.claim(plan: Self.plan(.always))
        #expect(try another.lease(1).leases.map(\.startBy) == [nil])
    }

    @Test func nobodyIsLeasedWhomACallWouldReachAfterTheWindow() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget(Self.berlin)
        try harness.claim(plan: Self.plan(Self.day))
        // Berlin's window ends at 16:00 UTC, and a call may be placed 30 seconds after its lease.
        harness.now = moment(16 * 3600 - 29)
        #expect(try harness.lease(1).leases.isEmpty)
        #expect(try harness.target(target)?.dueAt == hour(24 + 8))
        let another = try OutdialHarness()
        try another.makeOutdial()
        try another.addTarget(Self.berlin)
        try another.claim(plan: Self.plan(Self.day))
        another.now = moment(16 * 3600 - 30)
        #expect(try another.lease(1).leases.count == 1)
    }

    @Test("D8: a retry that becomes due at night waits for the morning") func retriesKeepToTheTimeOfThePerson() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget(Self.berlin)
        try harness.claim(plan: Self.plan(Self.day))
        harness.now = moment(16 * 3600 - 90)
        let lease = try #require(try harness.lease(1).leases.first)
        harness.now = moment(16 * 3600 - 30)
        try harness.finish(lease, .busy)
        // The interval ends half a minute after 17:00 in Berlin.
        harness.now = moment(16 * 3600 + 30)
        #expect(try harness.lease(1).leases.isEmpty)
        #expect(try harness.target(target)?.dueAt == hour(24 + 8))
        harness.now = hour(24 + 8)
        #expect(try harness.lease(1).leases.map(\.tryCount) == [2])
    }

    @Test func nobodyGuessesWhereANumberIs() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let nowhere = try harness.addTarget("+80012345678")
        try harness.claim(plan: Self.plan(.always))
        harness.now = hour(12)
        #expect(try harness.lease(1).leases.map(\.target) == [nowhere])
        let another = try OutdialHarness()
        try another.makeOutdial()
        let target = try another.addTarget("+80012345678")
        try another.claim(plan: Self.plan(Self.day))
        another.now = hour(12)
        #expect(try another.lease(1).leases.isEmpty)
        #expect(try another.target(target)?.resultReason == "unknown_zone")
        #expect(try another.verify() == [])
    }

    @Test func aChangedPlanJudgesWhoWaits() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        for number in 0..<1200 { try harness.addTarget("+49301\(100_000 + number)") }
        try harness.claim(plan: Self.plan(Self.day))
        _ = try harness.lease(1)
        #expect(try harness.types().filter { $0 == "target_deferred" }.count == 1200)
        try harness.tell(
            .planChanged(
                outdial: OutdialHarness.outdial,
                campaign: OutdialHarness.campaign,
                run: 1,
                plan: Self.plan(.always)
            )
        )
        // A slice in each turn, by itself.
        for _ in 0..<3 { try harness.perform([]) }
        #expect(try harness.types().filter { $0 == "target_resumed" }.count == 1200)
        var leased = 0
        for _ in 0..<2 { leased += try harness.lease(1000).leases.count }
        #expect(leased == 1200)
        #expect(try harness.verify() == [])
    }

    @Test func aNightOfManyTargetsTakesManyShortTurns() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        for number in 0..<4500 { try harness.addTarget("+49301\(100_000 + number)") }
        try harness.claim(plan: Self.plan(Self.day))
        _ = try harness.lease(1)
        let first = try harness.types().filter { $0 == "target_deferred" }.count
        #expect((2000..<2500).contains(first))
        // It is told at once that there is more to look at, and asks again.
        #expect(try harness.types().last == "outdial_ready")
        for _ in 0..<2 { _ = try harness.lease(1) }
        #expect(try harness.types().filter { $0 == "target_deferred" }.count == 4500)
        #expect(try harness.types().filter { $0 == "outdial_ready" }.count == 2)
    }

    @Test func aRehearsalTellsWhoWaitsAndWhy() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        try harness.addTarget(Self.berlin)
        try harness.addTarget("+12125550100")
        try harness.addTarget("+80012345678")
        try harness.addTarget("+4930123457")
        _ = try harness.request("dnclist.create", ["id": .id(id(40)), "body": ["name": "no"]]).get()
        _ = try harness.request("dnclist.add", ["id": .id(id(40)), "body": ["number": "+49 30 123457"]]).get()
        harness.now = hour(10)
        let counts = try harness.read(
            "outdial.rehearse",
            ["outdial_id": .id(OutdialHarness.outdial), "plan": Self.plan(Self.day).json]
        )
        #expect(counts["now"].integer == 1)
        #expect(counts["later"].integer == 1)
        #expect(counts["never"].integer == 2)
        #expect(counts["later_until"].integer == hour(14).microseconds)
        let reasons = (counts["reasons"].array ?? []).compactMap { $0["reason"].string }
        #expect(Set(reasons) == ["outside_window", "unknown_zone", "do_not_call"])
    }
}

/// One live call for a number, over all lists of a customer.
@Suite struct NumberTests {
    private static let second = id(62)
    private static let plan = CallingWindowTests.plan(.always)

    /// Two outdials of one customer with the same number, each claimed by a campaign.
    private func twoLists(_ plan: DialPlan = plan) throws -> (OutdialHarness, first: ID, second: ID) {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let first = try harness.addTarget("+15550000001")
        _ = try harness.request("outdial.create", ["id": .id(Self.second), "body": [:]]).get()
        let other = harness.ids.next(at: harness.now)
        _ = try harness.request(
            "target.create",
            [
                "outdial_id": .id(Self.second), "id": .id(other),
                "body": ["destination_0": ["target": "+15550000001"]],
            ]
        ).get()
        try harness.claim(plan: plan)
        _ = try harness.request(
            "outdial.claim",
            ["outdial_id": .id(Self.second), "campaign_id": .id(id(6)), "run": 1, "plan": plan.json]
        ).get()
        return (harness, first, other)
    }

    private func leaseSecond(_ harness: OutdialHarness) throws -> [Lease] {
        try harness.request(
            "outdial.lease",
            [
                "outdial_id": .id(Self.second), "campaign_id": .id(id(6)), "run": 1,
                "request_id": .id(harness.ids.next(at: harness.now)), "count": 1,
            ]
        ).get().requireArray("leases").map { try Lease(json: $0) }
    }

    @Test func twoListsWithOneNumberRingItOnceAtATime() throws {
        let (harness, _, other) = try twoLists()
        let lease = try #require(try harness.lease(1).leases.first)
        for _ in 0..<3 { #expect(try leaseSecond(harness).isEmpty) }
        let deferral = try #require(try harness.target(other)?.deferral)
        #expect(deferral.reason == .numberBusy)
        #expect(deferral.by == lease.attempt)
        #expect(try harness.types().filter { $0 == "target_deferred" }.count == 1)
        // The end of that attempt makes it due at once, and its claimant is told in the same turn.
        try harness.finish(lease, .busy)
        #expect(try harness.types().suffix(3) == ["target_attempt_finished", "target_resumed", "outdial_ready"])
        #expect(try leaseSecond(harness).map(\.target) == [other])
        #expect(try harness.verify() == [])
    }

    @Test func aNumberWhoseCallMayStillBeUpIsHeldUntilItCannotBe() throws {
        let (harness, _, other) = try twoLists()
        let lease = try #require(try harness.lease(1).leases.first)
        let last = harness.now + 90_000

        try harness.finish(lease, .outcomeUnknown, mayTalkUntil: last)

        #expect(try leaseSecond(harness).isEmpty)
        let deferral = try #require(try harness.target(other)?.deferral)
        #expect(deferral.reason == .numberBusy && deferral.until == last)
        harness.now = last
        #expect(try leaseSecond(harness).map(\.target) == [other])
        #expect(try harness.verify() == [])
    }

    @Test func withinOneLeaseANumberIsGivenOnce() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        for _ in 0..<5 { try harness.addTarget("+15550000001") }
        try harness.addTarget("+15550000002")
        try harness.claim(plan: Self.plan)
        let leases = try harness.lease(10).leases
        #expect(Set(leases.map(\.destination.target)).count == leases.count)
        #expect(leases.count == 2)
    }

    @Test func theHoldSurvivesARestart() throws {
        let (harness, _, other) = try twoLists()
        _ = try harness.lease(1)
        try harness.file.abandon()
        // Everything in memory is gone; what is held follows from the rows.
        let again = try EventLogFile.open(
            path: harness.file.path,
            schema: OutdialTables.schema,
            projections: outdialManagerProjections,
            now: harness.now
        )
        let held = try LogReader(path: again.path).read { db in
            try String.fetchAll(db, sql: "SELECT held_number FROM target WHERE held_number IS NOT NULL")
        }
        #expect(held == ["+15550000001"])
        #expect(try harness.target(other)?.status == .idle)
        #expect(try harness.verify() == [])
    }

    @Test func theIntervalBetweenCallsHoldsOverAllLists() throws {
        let plan = CallingWindowTests.plan(.always, tries: 1, minimumInterval: 600_000)
        let (harness, _, other) = try twoLists(plan)
        let lease = try #require(try harness.lease(1).leases.first)
        harness.now = moment(20)
        try harness.finish(lease, .normal)
        #expect(try leaseSecond(harness).isEmpty)
        #expect(try harness.target(other)?.deferral?.reason == .numberRecent)
        #expect(try harness.target(other)?.dueAt == moment(620))
        harness.now = moment(619)
        #expect(try leaseSecond(harness).isEmpty)
        harness.now = moment(620)
        #expect(try leaseSecond(harness).map(\.target) == [other])
        #expect(try harness.verify() == [])
    }

    @Test func manyWhoWaitForOneNumberAreWokenInSlices() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        for _ in 0..<350 { try harness.addTarget("+15550000001") }
        try harness.claim(plan: Self.plan)
        let lease = try #require(try harness.lease(400).leases.first)
        #expect(try harness.types().filter { $0 == "target_deferred" }.count == 349)
        try harness.finish(lease, .busy)
        #expect(try harness.types().filter { $0 == "target_resumed" }.count == 100)
        for _ in 0..<4 { try harness.perform([]) }
        #expect(try harness.types().filter { $0 == "target_resumed" }.count == 349)
        #expect(try harness.verify() == [])
    }

    @Test func theRowsAreRebuiltFromTheEvents() throws {
        let (harness, _, _) = try twoLists()
        let lease = try #require(try harness.lease(1).leases.first)
        try harness.finish(lease, .busy)
        _ = try leaseSecond(harness)
        let before = try calls(harness.file.path)
        #expect(before.count == 1)
        let report = try LogRebuild.run(
            source: harness.file.path,
            into: harness.directory.file("again.db"),
            schema: OutdialTables.schema,
            projections: outdialManagerProjections
        )
        #expect(report.violations.isEmpty)
        #expect(try calls(harness.directory.file("again.db")) == before)
    }

    private func calls(_ path: String) throws -> [String] {
        try LogReader(path: path).read { db in
            try String.fetchAll(db, sql: "SELECT number || ' ' || ended_at FROM number_called ORDER BY number")
        }
    }
}
