import Contracts
import EventLog
import Logging
import OutdialDomain
import OutdialManager
import Service
import TestSupport
import Testing

@Suite struct RearmTests {
    @Test func `a re-armed target is dialed again from its first destination on`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget()
        let plan = DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 60_000)
        try harness.claim(plan: plan)
        try harness.finish(try harness.lease(1).leases[0], .busy)
        #expect(try harness.target(target)?.status == .done)
        harness.now = moment(100)
        let answer = try harness.request(
            "target.rearm_one",
            ["outdial_id": .id(OutdialHarness.outdial), "id": .id(target)]
        ).get()
        #expect(answer["status"].string == "idle")
        #expect(answer["try_count_0"].integer == 0)
        let leases = try harness.lease(1).leases
        #expect(leases.map(\.target) == [target])
        #expect(leases.first?.tryCount == 1)
        #expect(try harness.types().contains("target_rearmed"))
        #expect(try harness.verify() == [])
    }

    /// Its answer may be lost, and it is delivered again when the person was dialed meanwhile.
    @Test(arguments: ["target.rearm_one", "target.rearm_slice"])
    func `a request that is delivered again re-arms nobody twice`(_ method: String) throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget()
        try harness.claim(plan: DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 60_000))
        func rearm(_ correlation: ID) throws {
            let request = Request(
                method: method,
                customerID: OutdialHarness.customer,
                actor: "test",
                correlation: correlation,
                params: [
                    "outdial_id": .id(OutdialHarness.outdial), "id": .id(target), "ids": [.id(target)],
                    "mark": .string("rearm \(correlation)"), "body": ["result": "fail"],
                ]
            )
            try harness.perform([.request(request, answer: { _ in })])
        }
        for attempt in 0..<2 {
            try harness.finish(try #require(try harness.lease(1).leases.first), .busy)
            #expect(try harness.target(target)?.status == .done)
            try rearm(id(800))
            #expect(try harness.target(target)?.status == (attempt == 0 ? .idle : .done))
        }
        try rearm(id(801))
        #expect(try harness.target(target)?.status == .idle)
        #expect(try harness.types().count { $0 == "target_rearmed" } == 2)
    }

    @Test func `a claimant that was told that nothing is left is told when a re-arm makes work`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget()
        try harness.claim(plan: DialPlan(maximumTries: [1, 0, 0, 0, 0], tryInterval: 60_000))
        try harness.finish(try harness.lease(5).leases[0], .busy)
        #expect(try harness.types().last == "outdial_exhausted")
        _ = try harness.request("target.rearm_one", ["outdial_id": .id(OutdialHarness.outdial), "id": .id(target)])
        #expect(try harness.types().last == "outdial_ready")
        // The claimant asks to be sure before it ends: there is work now.
        #expect(try harness.lease(0).isExhausted == false)
    }

    @Test func `a target under way is neither re-armed nor given other destinations`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget()
        try harness.claim()
        _ = try harness.lease(1)
        let path: JSONObject = ["outdial_id": .id(OutdialHarness.outdial), "id": .id(target)]
        #expect(try harness.request("target.rearm_one", .object(path)).get()["status"].string == "progressing")
        var update = path
        update["body"] = ["destination_0": ["target": "+15550000077"]]
        let refused = try harness.request("target.update", .object(update))
        #expect(throws: Refusal.self) { try refused.get() }
        update["body"] = ["name": "Ann"]
        #expect(try harness.request("target.update", .object(update)).get()["name"].string == "Ann")
    }

    @Test func `targets of other customers and deleted ones are not there`() throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        let target = try harness.addTarget()
        let path: JSONValue = ["outdial_id": .id(OutdialHarness.outdial), "id": .id(target)]
        for method in ["target.update", "target.rearm_one"] {
            let refused = try harness.request(method, path, customer: id(99))
            #expect(throws: Refusal.self) { try refused.get() }
        }
        _ = try harness.request("target.delete", path).get()
        let refused = try harness.request("target.rearm_one", path)
        #expect(throws: Refusal.self) { try refused.get() }
    }

    // MARK: - Many

    /// Handler, writer and reads as in the daemon, without a bus.
    private func withHandler(
        _ harness: OutdialHarness,
        _ body: (OutdialHandler) async throws -> Void
    ) async throws {
        let core = TurnBox(harness.turn)
        let writer = LogWriter<OutdialInput>(log: harness.file) { turn, inputs in try core.value.run(turn, inputs) }
        writer.start()
        let reads = OutdialReads(log: try harness.reader, clock: { moment(1000) })
        do {
            try await body(OutdialHandler(writer: writer, reads: reads, logger: Logger(label: "test")))
        } catch {
            writer.stop()
            await writer.stopped()
            throw error
        }
        writer.stop()
        await writer.stopped()
    }

    private func request(_ method: String, _ params: JSONValue, _ key: IdempotencyKey? = nil) -> Request {
        Request(
            method: method,
            customerID: OutdialHarness.customer,
            actor: "test",
            correlation: ID(high: 5, low: .random(in: 0 ... .max)),
            params: params,
            idempotency: key
        )
    }

    @Test func `all done targets of the given reasons are re-armed, in turns of bounded size`() async throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        var generator = SplitMix(seed: 3)
        try harness.fill(3600, using: &generator)
        let before = try harness.allTargets()
        let wanted = Set(before.filter { $0.resultReason == "busy" && $0.deletedAt == nil }.map(\.id))
        try #require(wanted.count > 2 * 500)
        try await withHandler(harness) { handler in
            let params: JSONValue = [
                "outdial_id": .id(OutdialHarness.outdial), "body": ["result_reason": ["busy"], "result": "fail"],
            ]
            let answer = try await handler.handle(request("target.rearm", params)).get()
            #expect(answer["rearmed"].integer == Int64(wanted.count))
            let again = try await handler.handle(request("target.rearm", params)).get()
            #expect(again["rearmed"].integer == 0)
            var sizes: [Timestamp: Int] = [:]
            for event in try harness.reader.events(after: 0, limit: 100_000) where event.type == "target_rearmed" {
                sizes[event.recordedAt, default: 0] += 1
            }
            #expect(sizes.values.allSatisfy { $0 <= 500 })
            let wasIdle = Set(before.filter { $0.status == .idle }.map(\.id))
            let isIdle = try harness.allTargets().filter { $0.status == .idle && $0.result == "" }.map(\.id)
            #expect(Set(isIdle).subtracting(wasIdle) == wanted)
        }
        #expect(try harness.verify() == [])
    }

    @Test func `a re-arm of an unknown outdial, and one that names nothing, are refused`() async throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        try await withHandler(harness) { handler in
            let unknown = await handler.handle(
                request("target.rearm", ["outdial_id": .id(id(4711)), "body": ["result": "fail"]])
            )
            #expect(throws: Refusal.self) { try unknown.get() }
            let nothing = await handler.handle(
                request("target.rearm", ["outdial_id": .id(OutdialHarness.outdial), "body": [:]])
            )
            #expect(throws: Refusal.self) { try nothing.get() }
        }
    }

    // MARK: - Dry runs

    @Test func `a dry run tells what the import would, and stores nothing`() async throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        try harness.addTarget("+15550000003")
        let numbers = ["+15550000001", "+15550000002", "12", "+15550000001", "+15550000003"]
        func slice(_ range: Range<Int>, _ extra: JSONObject) -> Request {
            let rows = range.map { index -> JSONValue in
                [
                    "line": .integer(index + 2), "id": .id(id(UInt64(500 + index))),
                    "values": ["destination_0": .string(numbers[index])],
                ]
            }
            var params: JSONObject = [
                "outdial_id": .id(OutdialHarness.outdial), "rows": .array(rows),
                "request_id": .id(id(UInt64(600 + range.lowerBound))),
            ]
            for member in extra.members { params.append(member.name, member.value) }
            return request("target.import", .object(params))
        }
        try await withHandler(harness) { handler in
            let mark: (Bool) -> JSONObject = { ["dry_run": ["id": .id(id(70)), "is_first": .bool($0)]] }
            let first = try await handler.handle(slice(0..<2, mark(true))).get()
            let second = try await handler.handle(slice(2..<5, mark(false))).get()
            let repeated = try await handler.handle(slice(2..<5, mark(false))).get()
            #expect(repeated == second, "the gateway sends again what was not answered in time")
            #expect(try harness.allTargets().count == 1)
            #expect(first == (try await handler.handle(slice(0..<2, [:])).get()))
            #expect(second == (try await handler.handle(slice(2..<5, [:])).get()))
            #expect(second["duplicates"].integer == 2)
            #expect(second["rejected"].integer == 1)
            #expect(try harness.allTargets().count == 3)
            let lost = await handler.handle(slice(0..<2, ["dry_run": ["id": .id(id(71)), "is_first": false]]))
            #expect(throws: Refusal.self) { try lost.get() }
        }
    }

    // MARK: - Idempotency

    @Test func `a re-arm with a key is counted once`() async throws {
        let harness = try OutdialHarness()
        try harness.makeOutdial()
        var generator = SplitMix(seed: 4)
        try harness.fill(20, using: &generator)
        try await withHandler(harness) { handler in
            let params: JSONValue = ["outdial_id": .id(OutdialHarness.outdial), "body": ["result": "fail"]]
            let key = IdempotencyKey(key: "k", path: "/rearm", fingerprint: "f")
            let first = try await handler.handle(request("target.rearm", params, key)).get()
            #expect(first["rearmed"].integer ?? 0 > 0)
            #expect(try await handler.handle(request("target.rearm", params, key)).get() == first)
        }
    }
}
