import Contracts
import Foundation
import OutdialDomain
import OutdialManager
import TestSupport
import Testing

/// Random lists, plans, wishes, calls and clocks: whatever happens, no lease breaks a rule.
@Suite struct LeaseRuleTests {
    private static let numbers = [
        "+4930123456", "+4930123457", "+12125550100", "+13105550100", "+18005550100", "+81312345678", "+80012345678",
        "+911122334455",
    ]
    private static let zones = ["", "", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]

    /// What has to hold, kept apart from what is tested.
    private final class World {
        let harness: OutdialHarness
        var generator: SplitMix
        let outdials = [id(61), id(62), id(63)]
        var plans: [ID: DialPlan] = [:]
        var listed: Set<String> = []
        var open: [(lease: Lease, outdial: ID)] = []
        var lastCalls: [String: Timestamp] = [:]
        var optedOut: Set<ID> = []
        var leased = 0

        init(seed: UInt64) throws {
            harness = try OutdialHarness()
            generator = SplitMix(seed: seed)
            // Three days before the clocks of Berlin change.
            harness.now = Timestamp(microseconds: 1_774_486_800_000_000)
        }

        func random(_ below: Int) -> Int { Int(generator.next() % UInt64(below)) }
        func pick<T>(_ list: [T]) -> T { list[random(list.count)] }
    }

    private func plan(_ world: World) -> DialPlan {
        let windows = (0..<world.random(3)).map { _ in
            let from = world.random(1440)
            return CallingWindow(
                weekdays: (0...3).map { _ in world.random(7) },
                from: from,
                to: (from + 60 + world.random(1320)) % 1440
            )
        }
        let today = world.harness.now.microseconds / 86_400_000_000
        return DialPlan(
            maximumTries: [3, 1, 0, 0, 0],
            tryInterval: Milliseconds(Int64(world.random(3)) * 600_000),
            hours: CallingHours(
                windows: windows,
                holidays: (0..<world.random(3)).map { _ in CalendarDate(day: today + Int64(world.random(6))) }
            ),
            minimumInterval: Milliseconds(Int64(world.random(2)) * 1_800_000)
        )
    }

    // MARK: - What may happen

    private func prepare(_ world: World) throws {
        for (index, outdial) in world.outdials.enumerated() {
            _ = try world.harness.request("outdial.create", ["id": .id(outdial), "body": [:]]).get()
            for _ in 0..<25 { try add(to: outdial, world) }
            let plan = plan(world)
            world.plans[outdial] = plan
            let claim: JSONValue = [
                "outdial_id": .id(outdial), "campaign_id": .id(id(70 + UInt64(index))), "run": 1, "plan": plan.json,
            ]
            _ = try world.harness.request("outdial.claim", claim).get()
        }
        _ = try world.harness.request("dnclist.create", ["id": .id(id(40)), "body": [:]]).get()
    }

    private func add(to outdial: ID, _ world: World) throws {
        let target = world.harness.ids.next(at: world.harness.now)
        var body: JSONObject = [
            "destination_0": .string(world.pick(Self.numbers)), "time_zone": .string(world.pick(Self.zones)),
        ]
        if world.random(2) == 0 { body.append("destination_1", .string(world.pick(Self.numbers))) }
        _ = try world.harness.request(
            "target.create",
            ["outdial_id": .id(outdial), "id": .id(target), "body": .object(body)]
        ).get()
    }

    private func lease(_ world: World) throws {
        let index = world.random(world.outdials.count)
        let outdial = world.outdials[index]
        let answer = try world.harness.request(
            "outdial.lease",
            [
                "outdial_id": .id(outdial), "campaign_id": .id(id(70 + UInt64(index))), "run": 1,
                "request_id": .id(world.harness.ids.next(at: world.harness.now)),
                "count": .integer(1 + world.random(6)),
            ]
        ).get()
        for json in try answer.requireArray("leases") {
            let lease = try Lease(json: json)
            try expectAllowed(lease, in: outdial, world)
            world.open.append((lease, outdial))
            world.leased += 1
        }
    }

    private func finish(_ world: World) throws {
        guard !world.open.isEmpty else { return }
        let (lease, outdial) = world.open.remove(at: world.random(world.open.count))
        let reason = world.pick([HangupReason.normal, .busy, .busy, .noAnswer])
        let outcome = world.pick([AttemptFinished.Outcome.placed, .placed, .notPlaced, .cancelled])
        if world.random(8) == 0 {
            try world.harness.tell(
                .optOut(
                    OptOut(
                        attempt: lease.attempt,
                        target: lease.target,
                        outdial: outdial,
                        customer: OutdialHarness.customer,
                        number: lease.destination.target,
                        reason: ""
                    )
                )
            )
            world.optedOut.insert(lease.target)
            world.listed.insert(lease.destination.target)
        }
        try world.harness.tell(
            .attemptFinished(
                AttemptFinished(
                    attempt: lease.attempt,
                    target: lease.target,
                    outdial: outdial,
                    outcome: outcome,
                    result: outcome == .placed ? reason.result : "fail",
                    reason: reason.rawValue,
                    endedAt: world.harness.now
                )
            )
        )
        if outcome == .placed { world.lastCalls[lease.destination.target] = world.harness.now }
        if world.optedOut.contains(lease.target) {
            #expect(try world.harness.target(lease.target)?.resultReason == "do_not_call")
        }
    }

    private func changeList(_ world: World) throws {
        let number = world.pick(Self.numbers)
        if world.random(3) == 0 {
            _ = try world.harness.request("dnclist.add", ["id": .id(id(40)), "body": ["number": .string(number)]])
                .get()
            world.listed.insert(number)
        } else if let number = world.listed.sorted().first {
            for list in [id(40), DNCList.defaultID(of: OutdialHarness.customer)] {
                _ = try world.harness.request("dnclist.remove", ["id": .id(list), "number": .string(number)])
            }
            world.listed.remove(number)
        }
    }

    private func changePlan(_ world: World) throws {
        let index = world.random(world.outdials.count)
        let plan = plan(world)
        world.plans[world.outdials[index]] = plan
        try world.harness.tell(
            .planChanged(outdial: world.outdials[index], campaign: id(70 + UInt64(index)), run: 1, plan: plan)
        )
    }

    // MARK: - What has to hold

    private func expectAllowed(_ lease: Lease, in outdial: ID, _ world: World) throws {
        let number = lease.destination.target
        let now = world.harness.now
        #expect(!world.listed.contains(number), "\(number) is on a list")
        #expect(!world.optedOut.contains(lease.target), "its person opted out")
        #expect(!world.open.contains { $0.lease.destination.target == number }, "\(number) is being called")
        let plan = try #require(world.plans[outdial])
        if let last = world.lastCalls[number] { #expect(last + plan.minimumInterval <= now, "\(number) was called") }
        guard !plan.hours.isAlways else { return }
        let target = try #require(try world.harness.target(lease.target))
        let zones = target.timeZone.isEmpty ? NumberZones.zones(of: number) : [target.timeZone]
        #expect(!zones.isEmpty, "nobody knows the time at \(number)")
        for name in zones {
            #expect(try isAllowed(plan.hours, at: now, in: name), "\(number) is called at night in \(name)")
        }
    }

    /// With Foundation's calendar, which shares nothing with ours.
    private func isAllowed(_ hours: CallingHours, at now: Timestamp, in name: String) throws -> Bool {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: name))
        let date = Date(timeIntervalSince1970: Double(now.microseconds) / 1_000_000)
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .weekday], from: date)
        let (year, month, day) = (parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
        if hours.holidays.contains(CalendarDate(year: year, month: month, day: day)) { return false }
        if hours.windows.isEmpty { return true }
        let minute = (parts.hour ?? 0) * 60 + (parts.minute ?? 0)
        let today = (parts.weekday ?? 1) - 1
        return hours.windows.contains { window in
            if window.from < window.to {
                return window.weekdays.contains(today) && minute >= window.from && minute < window.to
            }
            return window.weekdays.contains(today) && minute >= window.from
                || window.weekdays.contains((today + 6) % 7) && minute < window.to
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6]) func noLeaseEverBreaksARule(_ seed: UInt64) throws {
        let world = try World(seed: seed)
        try prepare(world)
        for _ in 0..<500 {
            switch world.random(12) {
            case 0...4: try lease(world)
            case 5...8: try finish(world)
            case 9: try world.random(2) == 0 ? changeList(world) : add(to: world.pick(world.outdials), world)
            case 10: if world.random(4) == 0 { try changePlan(world) }
            default: world.harness.now = world.harness.now + Milliseconds(Int64(world.random(14_400_000)))
            }
            if world.random(10) == 0 { try world.harness.perform([]) }
        }
        #expect(world.leased > 20, "seed \(seed) leased nearly nobody")
        #expect(try world.harness.verify() == [])
    }
}
