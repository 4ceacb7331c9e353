import Contracts
import EventLog
import OutdialDomain
import OutdialManager
import TestSupport
import Testing

/// Do-not-call lists in turns on a real log.
@Suite struct DoNotCallTests {
    private static let list = id(40)
    private static let number = "+15550000001"

    private func harness() throws -> OutdialHarness {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        return harness
    }

    @discardableResult
    private func makeList(
        _ harness: OutdialHarness,
        _ list: ID = list,
        global: Bool = false,
        customer: ID = OutdialHarness.customer
    ) throws -> JSONValue {
        try harness.request(
            "dnclist.create",
            ["id": .id(list), "body": ["name": "no", "global": .bool(global)], "is_operator": .bool(global)],
            customer: customer
        ).get()
    }

    @discardableResult
    private func add(
        _ number: String,
        to list: ID = list,
        _ harness: OutdialHarness,
        isOperator: Bool = false
    ) throws -> JSONValue {
        let params: JSONValue = [
            "id": .id(list), "body": ["number": .string(number)], "is_operator": .bool(isOperator),
        ]
        return try harness.request("dnclist.add", params).get()
    }

    private func check(
        _ number: String,
        _ harness: OutdialHarness,
        customer: ID = OutdialHarness.customer
    ) throws -> Bool {
        try harness.read("dnclist.check", ["filter": ["number": .string(number)]], customer: customer)
            .requireBool("listed")
    }

    @Test func aListedNumberIsNotDialedAndTheLeaseSaysWhatWasAsked() throws {
        let harness = try harness()
        try makeList(harness)
        let listed = try harness.addTarget(Self.number)
        let free = try harness.addTarget("+15550000002")
        let answer = try add("+1 555-000-0001", harness)
        #expect(answer["added"].integer == 1)
        #expect(answer["version"].integer == 2)
        try harness.claim()
        #expect(try harness.lease(5).leases.map(\.target) == [free])
        #expect(try harness.target(listed)?.resultReason == "do_not_call")
        #expect(try harness.target(free)?.lease?.checkedLists == [ListVersion(list: Self.list, version: 2)])
        #expect(try harness.verify() == [])
    }

    @Test func addingTwiceAndRemovingCountsOnce() throws {
        let harness = try harness()
        try makeList(harness)
        try add(Self.number, harness)
        #expect(try add(Self.number, harness)["duplicates"].integer == 1)
        let list = try harness.read("dnclist.get", ["id": .id(Self.list)])
        #expect(list["numbers"].integer == 1)
        #expect(list["version"].integer == 2)
        let remove: JSONValue = ["id": .id(Self.list), "number": .string(Self.number)]
        _ = try harness.request("dnclist.remove", remove).get()
        #expect(try !check(Self.number, harness))
        #expect(throws: Refusal.self) { try harness.request("dnclist.remove", remove).get() }
        try add(Self.number, harness)
        #expect(try check(Self.number, harness))
        let numbers = try harness.read("dnclist.numbers", ["id": .id(Self.list)]).requireArray("result")
        #expect(numbers.map { $0["number"].string } == [Self.number])
        #expect(numbers[0]["source"].string == "api")
        #expect(try harness.verify() == [])
    }

    @Test func aListOfTheInstallationCountsForEverybodyAndIsItsOperatorsOnly() throws {
        let harness = try harness()
        let stranger = id(99)
        #expect(throws: Refusal.self) {
            try harness.request("dnclist.create", ["id": .id(Self.list), "body": ["global": true]]).get()
        }
        try makeList(harness, global: true)
        try add(Self.number, harness, isOperator: true)
        #expect(try check(Self.number, harness))
        #expect(try check(Self.number, harness, customer: stranger))
        let refusal = #expect(throws: Refusal.self) { try add("+15550000009", harness) }
        #expect(refusal?.status == .notFound)
        #expect(throws: Refusal.self) { try harness.read("dnclist.numbers", ["id": .id(Self.list)]) }
        #expect(try harness.read("dnclist.list", [:])["result"].array?.isEmpty == true)
        let shown = try harness.read("dnclist.list", ["filter": ["global": "true"], "is_operator": true])
        #expect(shown["result"].array?.count == 1)
    }

    @Test func anotherCustomersListIsInvisibleAndCountsForNobodyElse() throws {
        let harness = try harness()
        let stranger = id(99)
        try makeList(harness, customer: stranger)
        #expect(throws: Refusal.self) { try add(Self.number, harness) }
        _ = try harness.request(
            "dnclist.add",
            ["id": .id(Self.list), "body": ["number": .string(Self.number)]],
            customer: stranger
        ).get()
        #expect(try check(Self.number, harness, customer: stranger))
        #expect(try !check(Self.number, harness))
    }

    @Test func aDeletedListCountsNoMore() throws {
        let harness = try harness()
        try makeList(harness)
        try add(Self.number, harness)
        _ = try harness.request("dnclist.delete", ["id": .id(Self.list)]).get()
        #expect(try !check(Self.number, harness))
        #expect(throws: Refusal.self) { try harness.read("dnclist.get", ["id": .id(Self.list)]) }
    }

    @Test func anImportTellsWhatBecameOfEachRow() throws {
        let harness = try harness()
        try makeList(harness)
        try add(Self.number, harness)
        func row(_ line: Int64, _ number: JSONValue) -> JSONValue {
            ["line": .integer(line), "id": .id(id(500)), "values": ["number": number]]
        }
        let report = try harness.request(
            "dnclist.import",
            [
                "id": .id(Self.list),
                "rows": [row(2, "+15550000002"), row(3, .string(Self.number)), row(4, "hello"), row(5, .null)],
            ]
        ).get()
        #expect(report["imported"].integer == 1)
        #expect(report["duplicates"].integer == 1)
        #expect(report["rejected"].integer == 2)
        #expect(report["errors"].array?.first?["line"].integer == 4)
        #expect(try check("+15550000002", harness))
    }

    @Test func aWorkerIsToldWhichNumbersAreListedAndWhatWasAsked() throws {
        let harness = try harness()
        try makeList(harness)
        try add(Self.number, harness)
        func question(_ attempt: UInt64, _ number: String) -> JSONValue {
            [
                "attempt_id": .id(id(attempt)), "customer_id": .id(OutdialHarness.customer),
                "destination": tel(number).json,
            ]
        }
        let answer = try harness.read(
            "dnc.check",
            ["checks": [question(1, Self.number), question(2, "+15550000002")]],
            customer: .none
        )
        #expect(answer["listed"].array?.compactMap(\.id) == [id(1)])
        #expect(
            answer["customers"][OutdialHarness.customer.description]
                == ListVersion.json([.init(list: Self.list, version: 2)])
        )
    }

    @Test func aWorkerIsToldWhoHasACallToTheNumberThatAFlowWants() throws {
        let harness = try harness()
        _ = try harness.addTarget(Self.number)
        try harness.claim()
        let lease = try #require(try harness.lease(1).leases.first)
        func held(_ number: String, isLeg: Bool = true, customer: ID = OutdialHarness.customer) throws -> JSONValue {
            var check: JSONObject = [
                "attempt_id": .id(id(77)), "customer_id": .id(customer), "destination": tel(number).json,
            ]
            if isLeg { check.append("is_leg", true) }
            return try harness.read("dnc.check", ["checks": [.object(check)]], customer: .none)["held"]
        }
        #expect(try held(Self.number) == [id(77).description: .id(lease.attempt)])
        #expect(try held("+15550000002").isNull && held(Self.number, isLeg: false).isNull)
        #expect(try held(Self.number, customer: id(404)).isNull)
        try harness.finish(lease, .normal)
        #expect(try held(Self.number).isNull)
    }

    // MARK: - What people say on the phone

    private func optOut(_ harness: OutdialHarness, _ lease: Lease, _ number: String = number) throws {
        try harness.tell(
            .optOut(
                OptOut(
                    attempt: lease.attempt,
                    target: lease.target,
                    outdial: OutdialHarness.outdial,
                    customer: OutdialHarness.customer,
                    number: number,
                    reason: "pressed 9"
                )
            )
        )
    }

    @Test(arguments: [true, false])
    func whoOptsOutIsOnTheDefaultListAndNeverDialedAgain(_ isToldFirst: Bool) throws {
        let harness = try harness()
        let target = try harness.addTarget(Self.number)
        try harness.claim()
        let lease = try #require(try harness.lease(1).leases.first)
        if isToldFirst { try optOut(harness, lease) }
        try harness.finish(lease, .normal)
        if !isToldFirst { try optOut(harness, lease) }
        #expect(try harness.target(target)?.status == .done)
        #expect(try harness.target(target)?.resultReason == "do_not_call")
        #expect(try check(Self.number, harness))
        let list = DNCList.defaultID(of: OutdialHarness.customer)
        let numbers = try harness.read("dnclist.numbers", ["id": .id(list)]).requireArray("result")
        #expect(numbers[0]["source"].string == "opt_out")
        #expect(numbers[0]["campaigncall_id"].id == lease.attempt)
        #expect(numbers[0]["reason"].string == "pressed 9")
        // Also not by a re-arm, and the list that people put themselves on cannot be deleted.
        _ = try harness.request(
            "target.rearm_one",
            ["outdial_id": .id(OutdialHarness.outdial), "id": .id(target)]
        ).get()
        #expect(try harness.lease(1).leases.isEmpty)
        #expect(try harness.target(target)?.resultReason == "do_not_call")
        #expect(throws: Refusal.self) { try harness.request("dnclist.delete", ["id": .id(list)]).get() }
        #expect(try harness.verify() == [])
    }

    @Test func anotherNumberThatAFlowNamesIsListedAndTheTargetGoesOn() throws {
        let harness = try harness()
        let target = try harness.addTarget(Self.number)
        try harness.claim()
        let lease = try #require(try harness.lease(1).leases.first)
        try optOut(harness, lease, "+15550000077")
        try harness.finish(lease, .busy)
        #expect(try check("+15550000077", harness))
        #expect(try harness.target(target)?.status == .idle)
    }

    @Test func aRefusedNumberClosesTheTargetAndGivesTheTryBack() throws {
        let harness = try harness()
        let target = try harness.addTarget(Self.number)
        try harness.claim()
        let lease = try #require(try harness.lease(1).leases.first)
        try harness.finish(lease, .doNotCall, .notPlaced)
        #expect(try harness.target(target)?.resultReason == "do_not_call")
        #expect(try harness.target(target)?.tryCounts == [0, 0, 0, 0, 0])
    }

    @Test func thereIsALimitOfLists() throws {
        let harness = try harness()
        for number in 0..<UInt64(DNCList.limit) { try makeList(harness, id(400 + number)) }
        let refusal = #expect(throws: Refusal.self) { try makeList(harness, id(500)) }
        #expect(refusal?.status == .failedPrecondition)
    }
}
