import APIGateway
import Contracts
import Foundation
import Testing

/// Clients that are slow, silent or wrong, on real sockets.
@Suite struct SlowClientTests {
    private static var quick: GatewayConfiguration {
        var configuration = GatewayConfiguration()
        configuration.timeouts.head = .milliseconds(300)
        configuration.timeouts.body = .milliseconds(300)
        configuration.timeouts.answer = .milliseconds(500)
        configuration.timeouts.idle = .milliseconds(600)
        configuration.timeouts.drain = .milliseconds(300)
        return configuration
    }

    private let importHead = """
        POST /v1.0/outdials/\(FakeManagers.object)/targets/import HTTP/1.1\r\nHost: a\r\n\
        Authorization: Bearer \(key)\r\nContent-Type: text/csv\r\n
        """

    private func expectError(_ text: String?, _ code: Int, _ reason: String) throws {
        let text = try #require(text, "the connection stays open")
        #expect(text.hasPrefix("HTTP/1.1 \(code) "), "\(text.prefix(300))")
        let body = try JSONValue(parsing: Array((text.components(separatedBy: "\r\n\r\n").last ?? "").utf8))
        #expect(body["error"]["reason"].string == reason)
        #expect(body["message"] == body["error"]["message"])
        let requestID = try #require(body["error"]["request_id"].string)
        #expect(text.lowercased().contains("x-request-id: \(requestID)"))
        #expect(text.lowercased().contains("connection: close"))
    }

    @Test(arguments: ["", "GET /ping HTT", "GET /ping HTTP/1.1\r\nHost: a\r\n"])
    func aHeadThatDoesNotComeIs408(start: String) async throws {
        try await serving(FakeManagers(), Self.quick) { port in
            let client = try RawClient(port: port)
            client.send(start)
            try expectError(await client.receiveAll(), 408, "REQUEST_TIMEOUT")
        }
    }

    @Test func aHeadThatDripsIs408() async throws {
        try await serving(FakeManagers(), Self.quick) { port in
            let client = try RawClient(port: port)
            let drip = Task {
                for byte in "GET /ping HTTP/1.1\r\nX-Drip: \(String(repeating: "x", count: 2000))" {
                    guard client.send(String(byte)) else { return }
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            defer { drip.cancel() }
            try expectError(await client.receiveAll(), 408, "REQUEST_TIMEOUT")
        }
    }

    @Test func aBodyThatStallsIs408AndNoRowOfItIsKept() async throws {
        let managers = FakeManagers { _, _ in .result(["imported": 1, "rejected": 0, "duplicates": 0, "errors": []]) }
        try await serving(managers, Self.quick) { port in
            let client = try RawClient(port: port)
            client.send(importHead + "Content-Length: 1000\r\n\r\ndestination_0\n+1555123")
            try expectError(await client.receiveAll(), 408, "REQUEST_TIMEOUT")
        }
        #expect(await managers.asked("target.import").isEmpty)
    }

    @Test func aClientThatGoesInTheMiddleOfARowLeavesNoHalfNumber() async throws {
        let managers = FakeManagers { _, _ in .result(["imported": 1, "rejected": 0, "duplicates": 0, "errors": []]) }
        try await serving(managers, Self.quick) { port in
            for framing in [
                "Content-Length: 1000\r\n\r\ndestination_0\n+15551234",
                "Transfer-Encoding: chunked\r\n\r\n16\r\ndestination_0\n+1555123\r\n",
            ] {
                let client = try RawClient(port: port)
                client.send(importHead + framing)
                client.closeOutput()
                _ = await client.receiveAll()
            }
        }
        #expect(await managers.asked("target.import").isEmpty)
    }

    @Test func whoDoesNotReadItsAnswerIsLeft() async throws {
        let text = String(repeating: "x", count: 8 << 20)
        let managers = FakeManagers { _, _ in .result(["name": .string(text)]) }
        try await serving(managers, Self.quick) { port in
            let client = try RawClient(port: port, receiveBuffer: 4096)
            client.send("GET /v1.0/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\n\r\n")
            // Nothing is read until the gateway must have given up.
            try await Task.sleep(for: .seconds(2))
            let got = try #require(await client.receiveAll())
            #expect(got.utf8.count < text.utf8.count)
        }
    }

    @Test func aConnectionMayBeIdleForAWhile() async throws {
        try await serving(FakeManagers(), Self.quick) { port in
            let client = try RawClient(port: port)
            for _ in 0..<2 {
                client.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try #require(await client.receive { $0.contains("pong") })
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
                try await Task.sleep(for: .milliseconds(400))
            }
            #expect(await client.receiveAll() == "")
        }
    }

    @Test(arguments: ["nonsense\r\n\r\n", "GET /ping HTTP/9.9\r\n\r\n", "GET /ping HTTP/1.1\r\nbad header\r\n\r\n"])
    func whatIsNoHTTPIs400(request: String) async throws {
        try await serving(FakeManagers(), Self.quick) { port in
            let client = try RawClient(port: port)
            client.send(request)
            try expectError(await client.receiveAll(), 400, "INVALID_REQUEST")
        }
    }

    @Test(arguments: [17 << 10, 40 << 10, 200 << 10])
    func largeHeadsAre431(size: Int) async throws {
        try await serving(FakeManagers(), Self.quick) { port in
            for head in [
                "GET /\(String(repeating: "x", count: size)) HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /ping HTTP/1.1\r\nHost: a\r\nX-A: \(String(repeating: "x", count: size))\r\n\r\n",
            ] {
                let client = try RawClient(port: port)
                client.send(head)
                try expectError(await client.receiveAll(), 431, "HEADERS_TOO_LARGE")
            }
        }
    }

    @Test func aBodyTooLargeIs413BeforeItIsRead() async throws {
        try await serving(FakeManagers(), Self.quick) { port in
            let client = try RawClient(port: port)
            client.send(
                "POST /v1.0/outdials HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\nContent-Length: 9999999\r\n\r\n{"
            )
            try expectError(await client.receiveAll(), 413, "BODY_TOO_LARGE")
        }
    }

    @Test func aClientThatAsksIsToldToContinue() async throws {
        let managers = FakeManagers()
        try await serving(managers, Self.quick) { port in
            let client = try RawClient(port: port)
            client.send(
                """
                POST /v1.0/outdials HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\nContent-Length: 12\r\n\
                Expect: 100-continue\r\nConnection: close\r\n\r\n
                """
            )
            let invitation = await client.receive { $0.contains("\r\n\r\n") }
            #expect(invitation == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send(#"{"name":"a"}"#)
            let answer = try #require(await client.receiveAll())
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
        }
        #expect(await managers.asked("outdial.create").first?.params["body"] == ["name": "a"])
    }

    @Test func nobodyInvitesABodyThatIsTooLarge() async throws {
        try await serving(FakeManagers(), Self.quick) { port in
            let client = try RawClient(port: port)
            client.send(
                """
                POST /v1.0/outdials HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\nContent-Length: 9999999\r\n\
                Expect: 100-continue\r\n\r\n
                """
            )
            try expectError(await client.receiveAll(), 413, "BODY_TOO_LARGE")
        }
    }

    @Test func severalRequestsAtOnceAreAnsweredInTheirOrder() async throws {
        try await serving(FakeManagers(), Self.quick) { port in
            let client = try RawClient(port: port)
            client.send(
                "GET /ping HTTP/1.1\r\nHost: a\r\n\r\nHEAD /ping HTTP/1.1\r\nHost: a\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            let answers = try #require(await client.receiveAll())
            let codes = answers.components(separatedBy: "HTTP/1.1 ").dropFirst().map { String($0.prefix(3)) }
            #expect(codes == ["200", "200", "404"])
            #expect(answers.lowercased().components(separatedBy: "content-length: ").count == 4)
        }
    }

    @Test func connectionsBeyondTheLimitWaitForOneThatGoes() async throws {
        var configuration = Self.quick
        configuration.maximumConnections = 2
        configuration.timeouts.idle = .seconds(30)
        try await running(FakeManagers(), configuration) { [configuration] port in
            var served: [RawClient] = []
            var waiting: [RawClient] = []
            for _ in 0..<8 {
                let client = try RawClient(port: port)
                client.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
                let isServed = await client.receive(within: .milliseconds(300)) { $0.contains("pong") } != nil
                if isServed { served.append(client) } else { waiting.append(client) }
            }
            // One more may have been taken on already when the last within the limit came.
            let limit = configuration.maximumConnections
            #expect((limit...(limit + 1)).contains(served.count))
            served.removeAll()
            let next = try #require(waiting.first)
            #expect(await next.receive { $0.contains("pong") } != nil)
        }
    }
}
