import CampaignManager
import Contracts
import Logging
import OutboundHTTP
import Service
import TestSupport
import Testing

/// The post of customers: what waits, and how it is brought.
@Suite struct WebhookTests {
    private static let customer = id(3)

    private func event(_ number: Int, subject: String = "", of customer: ID = customer) -> WebhookStore.Event {
        WebhookStore.Event(
            customer: customer,
            event: id(UInt64(100 + number)),
            subject: subject.isEmpty ? "\(number)" : subject,
            type: "outplan_created",
            document: Array("{\"number\":\(number)}".utf8)
        )
    }

    private func numbers(_ waiting: [WebhookStore.Waiting]) -> [String] {
        waiting.map { String(decoding: $0.event.document, as: UTF8.self) }
    }

    @Test func whatIsKeptIsKeptOnceAndSurvives() async throws {
        let directory = try TemporaryDirectory()
        do {
            let store = try WebhookStore(directory: directory.path)
            _ = try await store.add([event(1), event(2), event(1)], at: moment(0))
            _ = try await store.add([event(2), event(3, of: id(4))], at: moment(1))
        }
        let store = try WebhookStore(directory: directory.path)

        #expect(try await store.customers() == [Self.customer, id(4)])
        let waiting = try await store.next(of: Self.customer, limit: 10)
        #expect(numbers(waiting) == ["{\"number\":1}", "{\"number\":2}"])
        #expect(waiting.allSatisfy { $0.addedAt == moment(0) })
        try await store.remove(waiting.map(\.row))
        #expect(try await store.customers() == [id(4)])
        #expect(try await store.removeAll(of: id(4)) == 1)
    }

    @Test func twoEventsOfOneObjectAreNeverUnderWayTogether() async throws {
        let directory = try TemporaryDirectory()
        let store = try WebhookStore(directory: directory.path)
        let events = [event(1, subject: "a"), event(2, subject: "b"), event(3, subject: "a"), event(4, subject: "c")]
        _ = try await store.add(events, at: moment(0))

        let first = try await store.next(of: Self.customer, limit: 10)
        #expect(numbers(first) == ["{\"number\":1}", "{\"number\":2}"])
        try await store.remove(first.map(\.row))
        let second = try await store.next(of: Self.customer, limit: 10)
        #expect(numbers(second) == ["{\"number\":3}", "{\"number\":4}"])
    }

    @Test func ofTooManyTheOldestGo() async throws {
        let directory = try TemporaryDirectory()
        let store = try WebhookStore(directory: directory.path, rowsPerCustomer: 3)

        #expect(try await store.add((0..<5).map { event($0) }, at: moment(0)) == 2)
        #expect(try await store.add([event(9, of: id(4))], at: moment(0)) == 0)

        let waiting = try await store.next(of: Self.customer, limit: 10)
        #expect(numbers(waiting) == ["{\"number\":2}", "{\"number\":3}", "{\"number\":4}"])
    }

    @Test func whatWasNotTakenComesAgainAndIsDroppedAfterADay() async throws {
        let directory = try TemporaryDirectory()
        let store = try WebhookStore(directory: directory.path)
        let server = try await HookServer.start()
        // The first try of each fails.
        let seen = Locked<Set<String>>([])
        server.behave { request in .status(seen.withLock { $0.insert(request.text).inserted } ? 500 : 200) }
        let http = GuardedClient(rules: try AddressRules(allowing: "127.0.0.1"))
        let now = moment(200_000)
        _ = try await store.add([event(1)], at: now + Milliseconds(-WebhookCourier.maximumAge.count - 1))
        _ = try await store.add([event(2), event(3)], at: now)

        let courier = WebhookCourier(
            customer: Self.customer,
            store: store,
            http: http,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            clock: { now },
            address: { WebhookAddress(uri: "http://127.0.0.1:\(server.port)/", method: "PUT", secret: "s") }
        )
        try await courier.run()

        #expect(server.requests.count == 4 && Set(server.requests.map(\.text)) == ["{\"number\":2}", "{\"number\":3}"])
        #expect(server.requests.allSatisfy { $0.method == "PUT" })
        #expect(try await store.customers().isEmpty)
        await http.shutDown()
        await server.stop()
    }

    private func courier(
        _ store: WebhookStore,
        _ http: GuardedClient,
        _ changes: WebhookChanges = WebhookChanges(),
        address: @escaping @Sendable () -> WebhookAddress?
    ) -> WebhookCourier {
        WebhookCourier(
            customer: Self.customer,
            store: store,
            http: http,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            clock: { moment(0) },
            address: address,
            changes: changes
        )
    }

    @Test(.timeLimit(.minutes(1))) func aRepairedAddressIsTriedAtOnceWhateverThePause() async throws {
        let directory = try TemporaryDirectory()
        let store = try WebhookStore(directory: directory.path)
        let server = try await HookServer.start()
        server.behave { .status($0.target == "/good" ? 200 : 500) }
        let http = GuardedClient(rules: try AddressRules(allowing: "127.0.0.1"))
        _ = try await store.add([event(1)], at: moment(0))
        let path = Locked("/bad")
        let changes = WebhookChanges()
        let courier = courier(store, http, changes) {
            WebhookAddress(uri: "http://127.0.0.1:\(server.port)\(path.value)", method: "POST", secret: "s")
        }

        let run = Task { try await courier.run() }
        // By the fifth failure it waits for 13 s or more.
        while server.requests.count < 5 { try await Task.sleep(for: .milliseconds(20)) }
        let begun = ContinuousClock.now
        changes.announce()
        path.value = "/good"
        changes.announce()
        try await run.value

        #expect(ContinuousClock.now - begun < .seconds(6))
        #expect(server.requests.count == 6 && server.requests.last?.target == "/good")
        await http.shutDown()
        await server.stop()
    }

    @Test(.timeLimit(.minutes(1))) func anAnswerIsJudgedByItsStatusHoweverLargeItIs() async throws {
        let directory = try TemporaryDirectory()
        let store = try WebhookStore(directory: directory.path)
        let server = try await HookServer.start()
        server.behave { _ in .body(bytes: 3 << 20) }
        let http = GuardedClient(rules: try AddressRules(allowing: "127.0.0.1"))
        _ = try await store.add([event(1)], at: moment(0))
        let courier = courier(store, http) {
            WebhookAddress(uri: "http://127.0.0.1:\(server.port)/", method: "POST", secret: "s")
        }

        try await courier.run()

        #expect(server.requests.count == 1)
        await http.shutDown()
        await server.stop()
    }

    @Test func theSignatureIsThatOfRFC2104() {
        let headers = WebhookSignature.headers(event: id(1), body: Array("hello".utf8), secret: "key", at: moment(1))
        #expect(headers.map(\.name) == ["Carillon-Event-Id", "Carillon-Timestamp", "Carillon-Signature"])
        #expect(headers[0].value == id(1).description && headers[1].value == "1767225601")
        // What `openssl dgst -sha256 -hmac key` makes of "1767225601.hello".
        let expected = "c3f065af9fe29b741b5a93366982935a052bbfb942c48bd4df901712f529cca1"
        #expect(headers[2].value == "sha256=" + expected)
    }

    @Test func pausesDoubleUpToAnHour() {
        for (failures, seconds) in [(1, 1), (2, 2), (5, 16), (12, 2048), (13, 3600), (1000, 3600)] {
            let pause = WebhookCourier.pause(after: failures)
            #expect(pause <= .seconds(seconds) && pause >= .milliseconds(seconds * 800), "\(failures): \(pause)")
        }
    }
}
