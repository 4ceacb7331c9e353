import Contracts
import EventLog
import GRDB
import OutdialDomain
import OutdialManager
import Service
import TestSupport
import Testing

@Suite struct IdempotencyTests {
    private func key(_ name: String = "k", _ fingerprint: String = "f", path: String = "/outdials") -> IdempotencyKey {
        IdempotencyKey(key: name, path: path, fingerprint: fingerprint)
    }

    private func create(
        _ harness: OutdialHarness,
        _ number: UInt64,
        _ key: IdempotencyKey?,
        customer: ID = OutdialHarness.customer,
        name: JSONValue = "spring"
    ) throws -> Reply {
        try harness.request(
            "outdial.create",
            ["id": .id(id(number)), "body": ["name": name]],
            customer: customer,
            key: key
        )
    }

    private func count(_ harness: OutdialHarness) throws -> Int {
        try harness.reader.read { try OutdialTables.outdials.fetch("", in: $0).count }
    }

    @Test func `a repeat has the first answer, and makes nothing`() throws {
        let harness = try OutdialHarness()
        let first = try create(harness, 1, key())
        #expect(try create(harness, 2, key()) == first)
        #expect(try first.get()["id"].id == id(1))
        #expect(try count(harness) == 1)
        #expect(try harness.verify() == [])
    }

    @Test func `the same key with another body is refused`() throws {
        let harness = try OutdialHarness()
        _ = try create(harness, 1, key())
        let refusal = #expect(throws: Refusal.self) { try create(harness, 2, key("k", "other")).get() }
        #expect(refusal?.reason == "IDEMPOTENCY_KEY_REUSED")
        #expect(refusal?.status.httpCode == 409)
    }

    @Test func `keys of other customers, paths and names are other keys`() throws {
        let harness = try OutdialHarness()
        _ = try create(harness, 1, key())
        _ = try create(harness, 2, key(path: "/other")).get()
        _ = try create(harness, 3, key("l")).get()
        _ = try create(harness, 4, key(), customer: id(99)).get()
        _ = try create(harness, 5, nil).get()
        #expect(try count(harness) == 5)
    }

    @Test func `a refusal of the rules is kept too`() throws {
        let harness = try OutdialHarness()
        let first = try create(harness, 1, key(), name: 5)
        #expect(throws: Refusal.self) { try first.get() }
        #expect(try create(harness, 1, key(), name: "fine") == first)
    }

    @Test func `an answer is forgotten after a day, and its row soon after`() throws {
        let harness = try OutdialHarness()
        _ = try create(harness, 1, key())
        harness.now = moment(86_399)
        #expect(try create(harness, 2, key()).get()["id"].id == id(1))
        harness.now = moment(86_401)
        #expect(try create(harness, 2, key()).get()["id"].id == id(2))
        harness.now = moment(3 * 86_400)
        try harness.perform([])
        let rows = try harness.reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM answered_request") }
        #expect(rows == 0)
    }

    @Test func `what was answered survives with the change, or neither does`() throws {
        let harness = try OutdialHarness()
        struct Crash: Error {}
        let request = Request(
            method: "outdial.create",
            customerID: OutdialHarness.customer,
            actor: "test",
            correlation: id(1),
            params: ["id": .id(id(1)), "body": ["name": "lost"]],
            idempotency: key()
        )
        #expect(throws: Crash.self) {
            try harness.file.perform(now: harness.now, ids: &harness.ids) { turn in
                try harness.turn.run(turn, [.request(request, answer: { _ in })])
                throw Crash()
            }
        }
        #expect(try count(harness) == 0)
        #expect(try create(harness, 2, key()).get()["id"].id == id(2))
    }

    // MARK: - While the first runs

    private func requests(_ harness: OutdialHarness) throws -> IdempotentRequests {
        IdempotentRequests(log: try harness.reader, clock: { moment(0) })
    }

    private func request(_ correlation: UInt64, _ fingerprint: String = "f") -> Request {
        Request(
            method: "outdial.create",
            customerID: id(3),
            actor: "test",
            correlation: id(correlation),
            params: [:],
            idempotency: key("k", fingerprint)
        )
    }

    @Test func `while the first runs, a client's repeat is refused, and the gateway's waits for the answer`()
        async throws
    {
        let requests = try requests(try OutdialHarness())
        let (started, start) = AsyncStream<Void>.makeStream()
        let (ended, end) = AsyncStream<Void>.makeStream()
        let first = request(1)
        async let answer = requests.answer(first) { _ in
            start.yield()
            for await _ in ended { break }
            return .result("done")
        } store: { _ in
        }
        for await _ in started { break }
        let repeated = await requests.answer(request(2)) { _ in
            .result("twice")
        } store: { _ in
        }
        guard case .refused(let refusal) = repeated else { throw Refusal.state("it was done twice") }
        #expect(refusal.reason == "IDEMPOTENCY_KEY_IN_USE")
        #expect(refusal.details == [["retry_after": 1]])
        let other = await requests.answer(request(3, "other")) { _ in
            .result("twice")
        } store: { _ in
        }
        guard case .refused(let reused) = other else { throw Refusal.state("it was done twice") }
        #expect(reused.reason == "IDEMPOTENCY_KEY_REUSED")
        async let same = requests.answer(first) { _ in
            .result("done")
        } store: { _ in
        }
        end.yield()
        #expect(await answer == .result("done"))
        #expect(await same == .result("done"))
    }

    @Test func `an answer that no turn made is given to be stored, unless it may change`() async throws {
        let requests = try requests(try OutdialHarness())
        let stored = Locked<[Request]>([])
        for reply in [Reply.result("x"), .refused(.state("no")), .refused(.unavailable("later"))] {
            _ = await requests.answer(request(1)) { _ in
                reply
            } store: { asked in
                stored.withLock { $0.append(asked) }
            }
        }
        #expect(stored.value.map { $0.params["reply"] } == [Reply.result("x").json, Reply.refused(.state("no")).json])
        #expect(stored.value.allSatisfy { $0.method == AnsweredRequests.storing })
    }
}
