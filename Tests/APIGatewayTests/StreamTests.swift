import APIGateway
import Contracts
import Foundation
import Service
import Testing

/// `GET /campaigns/{id}/events`, over real sockets.
@Suite struct StreamTests {
    fileprivate static let outdial = "40bea034-1d17-474d-a5de-da00d0861c69"
    private let path = "/v1.0/campaigns/\(FakeManagers.object)/events"

    private static var quick: GatewayConfiguration {
        var configuration = GatewayConfiguration()
        configuration.streams.pollInterval = .milliseconds(20)
        configuration.streams.heartbeat = .milliseconds(100)
        configuration.identityLifetime = .seconds(0)
        return configuration
    }

    /// A campaign whose calls a test changes.
    final class Scripted: Sendable {
        struct State {
            var calls = 0
            /// The mark of each change, and what changed.
            var changes: [(Int64, String)] = []
            var isDeleted = false
            var isKeyDeleted = false
            var reset = false
        }
        let state = Locked(State())

        func managers() -> FakeManagers {
            FakeManagers { [current = state] request, _ in
                let state = current.value
                switch request.method {
                case "identity.resolve":
                    return state.isKeyDeleted ? .refused(Refusal(.unauthenticated, "X", "deleted")) : .result([:])
                case "campaign.get":
                    if state.isDeleted { return .refused(.notFound("CAMPAIGN_NOT_FOUND", "gone")) }
                    return .result([
                        "id": .id(FakeManagers.object), "status": "run", "end_reason": "",
                        "outdial_id": .string(StreamTests.outdial), "progress": ["calls": .integer(state.calls)],
                    ])
                case "outdial.progress":
                    return .result(.object([StreamTests.outdial: ["targets": 3, "waiting_until": 1_000_000]]))
                case "campaigncall.changes":
                    if state.isDeleted { return .refused(.notFound("CAMPAIGN_NOT_FOUND", "gone")) }
                    let head = state.changes.last?.0 ?? 0
                    guard let after = request.params["after"].integer else {
                        return .result(["changes": [], "next": .integer(head), "more": false, "reset": false])
                    }
                    // Two at once, so that there are pages.
                    let page = Array(state.changes.filter { $0.0 > after }.prefix(2))
                    let next = page.last?.0 ?? max(after, head)
                    return .result([
                        "changes": .array(
                            page.map { mark, name in
                                [
                                    "mark": .integer(mark),
                                    "campaigncall": ["id": .string(name), "tm_create": 1_651_112_199_712_142],
                                ]
                            }
                        ), "next": .integer(next), "more": .bool(next < head), "reset": .bool(state.reset),
                    ])
                default: return .result([:])
                }
            }
        }
    }

    private func open(_ port: Int, _ headers: String = "", path: String? = nil) throws -> RawClient {
        let client = try RawClient(port: port)
        client.send("GET \(path ?? self.path) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\n\(headers)\r\n")
        return client
    }

    @Test func progressAndCallsAreToldAsTheyChange() async throws {
        let campaign = Scripted()
        try await serving(campaign.managers(), Self.quick) { port in
            let client = try open(port)
            let first = try #require(await client.receive { $0.contains("waiting_until") && $0.hasSuffix("\n\n\r\n") })
            #expect(first.contains("Content-Type: text/event-stream"))
            #expect(first.contains(#""waiting_until":"1970-01-01 00:00:01.000000""#))
            #expect(first.contains(#""targets":3"#))
            campaign.state.withLock { $0.changes = [(5, "one"), (6, "two"), (9, "three")] }
            campaign.state.withLock { $0.calls = 3 }
            let next = try #require(await client.receive { $0.contains("\"calls\":3") && $0.contains("three") })
            let ids = [
                "id: 5\ndata: {\"id\":\"one\"", "id: 6\ndata: {\"id\":\"two\"", "id: 9\ndata: {\"id\":\"three\"",
            ]
            for id in ids { #expect(next.components(separatedBy: id).count == 2, "\(next)") }
            #expect(next.contains("2022-04-28 02:16:39.712142"))
            #expect(await client.receive { $0.contains(": alive") } != nil)
        }
    }

    @Test func aClientThatComesBackIsToldOfWhatItMissed() async throws {
        let campaign = Scripted()
        campaign.state.withLock { state in state.changes = (1...9).map { (Int64($0 * 10), "call\($0)") } }
        try await serving(campaign.managers(), Self.quick) { port in
            // Beside a stream that is further, and alone.
            let other = try open(port)
            #expect(await other.receive { $0.contains("event: progress") } != nil)
            for _ in 0..<2 {
                let client = try open(port, "Last-Event-ID: 40\r\n")
                let missed = try #require(await client.receive { $0.contains("call9") })
                for number in 1...9 {
                    let count = missed.components(separatedBy: "\"call\(number)\"").count - 1
                    #expect(count == (number <= 4 ? 0 : 1), "call\(number)")
                }
                other.closeOutput()
            }
        }
    }

    @Test func whoMissedTooMuchIsToldToBeginAnew() async throws {
        let campaign = Scripted()
        campaign.state.withLock { state in
            state.changes = [(100, "x")]
            state.reset = true
        }
        try await serving(campaign.managers(), Self.quick) { port in
            let client = try open(port, "Last-Event-ID: 1\r\n")
            #expect(await client.receive { $0.contains("event: reset\nid: 100\n") } != nil)
        }
    }

    @Test func theStreamEndsWithTheCampaign() async throws {
        let campaign = Scripted()
        try await serving(campaign.managers(), Self.quick) { port in
            let client = try open(port, "Connection: close\r\n")
            #expect(await client.receive { $0.contains("event: progress") } != nil)
            campaign.state.withLock { $0.isDeleted = true }
            let rest = try #require(await client.receiveAll())
            #expect(rest.contains("event: end"))
            let late = try open(port, "Connection: close\r\n")
            #expect(try #require(await late.receiveAll()).hasPrefix("HTTP/1.1 404 "))
        }
    }

    @Test func theStreamEndsWithTheKey() async throws {
        let campaign = Scripted()
        try await serving(campaign.managers(), Self.quick) { port in
            let client = try open(port, "Connection: close\r\n")
            #expect(await client.receive { $0.contains("event: progress") } != nil)
            campaign.state.withLock { $0.isKeyDeleted = true }
            #expect(try #require(await client.receiveAll()).contains("event: end"))
        }
    }

    @Test func manyStreamsShareOnePollerAndTheLastOneStopsIt() async throws {
        let campaign = Scripted()
        let managers = campaign.managers()
        var configuration = Self.quick
        configuration.streams.pollInterval = .milliseconds(200)
        try await serving(managers, configuration) { port in
            var clients: [RawClient] = []
            for _ in 0..<10 { clients.append(try open(port)) }
            for client in clients { #expect(await client.receive { $0.contains("event: progress") } != nil) }
            let before = await managers.asked("campaigncall.changes").count
            let begin = ContinuousClock.now
            try await Task.sleep(for: .seconds(1))
            let looks = await managers.asked("campaigncall.changes").count - before
            #expect(looks <= Int((ContinuousClock.now - begin) / .milliseconds(200)) + 1)
            clients = []
            // The gateway learns of it from the connections.
            var isQuiet = false
            for _ in 0..<50 where !isQuiet {
                let count = await managers.asked("campaigncall.changes").count
                try await Task.sleep(for: .milliseconds(500))
                isQuiet = await managers.asked("campaigncall.changes").count == count
            }
            #expect(isQuiet)
        }
    }

    @Test func aCustomerHasOnlySoManyStreams() async throws {
        var configuration = Self.quick
        configuration.streams.streamsPerCustomer = 2
        try await serving(Scripted().managers(), configuration) { port in
            var clients = [try open(port), try open(port)]
            for client in clients { #expect(await client.receive { $0.contains("event: progress") } != nil) }
            let third = try open(port, "Connection: close\r\n")
            let refused = try #require(await third.receiveAll())
            #expect(refused.hasPrefix("HTTP/1.1 429 ") && refused.contains("Retry-After: 1"))
            clients.removeLast()
            var isOpen = false
            for _ in 0..<100 where !isOpen {
                let next = try open(port)
                isOpen = await next.receive { $0.contains("HTTP/1.1 ") }?.hasPrefix("HTTP/1.1 200 ") == true
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(isOpen)
        }
    }
}
