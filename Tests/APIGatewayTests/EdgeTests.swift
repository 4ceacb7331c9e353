import APIGateway
import Contracts
import HTTPTypes
import Logging
import Service
import Testing

/// What every answer has, and what none may have.
@Suite struct EdgeTests {
    private let campaign = "/v1.0/campaigns/\(FakeManagers.object)"
    private func field(_ name: String) throws -> HTTPField.Name { try #require(HTTPField.Name(name)) }

    @Test func everyAnswerHasTheSecurityHeaders() async throws {
        for (method, uri) in [
            (.get, "/ping"), (.get, campaign), (.get, "/v1.0/nothing"), (.patch, campaign), (.options, campaign),
            (.get, "/openapi.yaml"), (.get, "/v1.0/campaigns/nonsense"),
        ] as [(HTTPRequest.Method, String)] {
            let headers = try await send(method, uri, to: FakeManagers(), reading: false).headers
            #expect(headers[try field("X-Content-Type-Options")] == "nosniff")
            #expect(headers[.cacheControl] == "no-store")
            #expect(headers[try field("Referrer-Policy")] == "no-referrer")
            #expect(headers[.contentSecurityPolicy] == "default-src 'none'; frame-ancestors 'none'")
            #expect(headers[.accessControlAllowOrigin] == "*")
            #expect(headers[try field("X-Request-Id")] != nil)
            #expect(headers[try field("Access-Control-Allow-Credentials")] == nil)
        }
    }

    @Test func aListOfOriginsIsKeptTo() async throws {
        var configuration = GatewayConfiguration()
        configuration.headers = AnswerHeaders(origins: ["https://app.example.com"])
        for (origin, allowed) in [("https://app.example.com", true), ("https://evil.example", false), (nil, false)] {
            for method in [HTTPRequest.Method.get, .options] {
                var headers: HTTPFields = [.authorization: "Bearer \(key)"]
                headers[.origin] = origin
                let answer = try await send(
                    method,
                    campaign,
                    headers: headers,
                    to: FakeManagers(),
                    configuration: configuration
                )
                #expect(answer.headers[.accessControlAllowOrigin] == (allowed ? origin : nil))
                #expect(answer.headers[.vary] == "Origin")
            }
        }
    }

    @Test func aPreflightNamesTheMethods() async throws {
        let answer = try await send(.options, campaign, headers: [.origin: "https://a.example"], to: FakeManagers())
        #expect(answer.code == 204)
        #expect(answer.headers[.accessControlAllowMethods] == "GET, PUT, DELETE, HEAD")
        #expect(answer.headers[.accessControlAllowHeaders]?.contains("Authorization") == true)
    }

    @Test func aHeadIsTheGetWithoutItsBody() async throws {
        let get = try await send(.get, campaign, to: FakeManagers())
        let head = try await send(.head, campaign, to: FakeManagers())
        #expect(head.code == 200 && head.json == .null)
        #expect(head.headers[.contentLength] == get.headers[.contentLength])
        #expect(head.headers[.contentType] == get.headers[.contentType])
    }

    @Test func errorsShowNothingOfTheInside() async throws {
        struct Secret: Error {}
        let secret = "sqlite /var/lib/secret.db at 10.0.0.5"
        let scripts: [(FakeManagers.Script, Int)] = [
            ({ _, _ in .result(.string("garbage: \(secret)")) }, 500),
            ({ _, _ in .result(.null) }, 500),
            ({ _, _ in .refused(Refusal(.unknown, "INTERNAL", secret)) }, 500),
            ({ _, _ in .refused(Refusal(.unknown, "METHOD_UNKNOWN", secret)) }, 500),
            ({ _, _ in throw Secret() }, 503),
        ]
        for (script, code) in scripts {
            let answer = try await send(.get, campaign, to: FakeManagers(script: script))
            #expect(answer.code == code)
            #expect(!answer.json.text.contains("secret") && !answer.json.text.contains("Secret"))
            #expect(answer.reason == (code == 500 ? "INTERNAL" : "SERVICE_UNAVAILABLE"))
        }
    }

    @Test func aManagerThatCannotBeUnderstoodIs503WithoutItsWords() async throws {
        let client = BusManagerClient(names: BusNames(prefix: "carillon")) {
            (_, _, _) async throws(BusManagerClient.Failure) -> [UInt8] in throw .permanent("secret: 10.0.0.5 refused")
        }
        let answer = try await send(.get, campaign, to: client)
        #expect(answer.code == 503 && !answer.json.text.contains("secret"))
    }

    @Test func keysAndTokensNeverGetIntoTheLog() async throws {
        let lines = Locked<[String]>([])
        var logger = Logger(label: "test") { _ in RecordingLogHandler(lines: lines) }
        logger.logLevel = .trace
        let managers = FakeManagers { request, _ in
            if request.method == "account.login" { return .result(["agent": ["id": .id(FakeManagers.agent)]]) }
            return .refused(Refusal(.unknown, "INTERNAL", "broken"))
        }
        try await serving(managers, logger: logger) { port in
            let requests = [
                "GET /v1.0/me?accesskey=\(key) HTTP/1.1\r\nHost: a\r\n",
                "GET /v1.0/me?token=\(key) HTTP/1.1\r\nHost: a\r\n",
                "GET /v1.0/nothing/\(key) HTTP/1.1\r\nHost: a\r\n",
                "GET /v1.0/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\n",
                "GET /v1.0/me HTTP/1.1\r\nHost: a\r\nCookie: token=\(key); accesskey=\(key)\r\n",
                "GET /v1.0/me?accesskey=\(key) HTTP/9.9\r\nHost: a\r\n",
                "POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 43\r\n\r\n{\"username\":\"a\",\"password\":\"\(password)\"}",
            ]
            for request in requests {
                let client = try RawClient(port: port)
                client.send(request + (request.contains("\r\n\r\n") ? "" : "Connection: close\r\n\r\n"))
                _ = await client.receive(within: .seconds(5)) { $0.contains("request_id") || $0.contains("username") }
            }
        }
        #expect(lines.value.count >= 6)
        for line in lines.value {
            #expect(!line.contains(key.dropFirst(8)) && !line.contains(password), "\(line)")
        }
    }
}

private let password = "correct-horse"

/// Keeps every line with its metadata.
private struct RecordingLogHandler: LogHandler {
    let lines: Locked<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.withLock { $0.append("\(event.message) \(metadata) \(event.metadata ?? [:])") }
    }
}
