import APIGateway
import Contracts
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Service
import Testing

@Suite struct AuthenticationTests {
    @Test func anAccessKeyIsAcceptedInEveryForm() async throws {
        let forms: [(String, HTTPFields)] = [
            ("?token=\(key)", [:]), ("?accesskey=\(key)", [:]), ("", [.authorization: "Bearer \(key)"]),
            ("", [.cookie: "token=\(key)"]), ("", [.cookie: "a=b; accesskey=\(key)"]),
        ]
        for (query, headers) in forms {
            let managers = FakeManagers()
            let answer = try await send(.get, "/v1.0/me\(query)", headers: headers, to: managers)
            #expect(answer.code == 200)
            let hash = await managers.asked("identity.resolve").first?.params["token_hash"].string
            #expect(hash?.utf8.count == 64)
            #expect(await managers.asked("identity.me").first?.actor == "accesskey:\(FakeManagers.agent)")
            #expect(await managers.asked("identity.me").first?.customerID == FakeManagers.customer)
        }
    }

    @Test func aSessionTokenOfALoginIsAcceptedInEveryForm() async throws {
        let managers = FakeManagers { request, _ in
            .result(["agent": ["id": .id(FakeManagers.agent), "username": "admin", "permission": 32]])
        }
        let login = try await send(
            .post,
            "/auth/login",
            body: #"{"username":"admin","password":"x"}"#,
            headers: [:],
            to: managers
        )
        #expect(login.code == 200)
        #expect(login.json["username"] == "admin")
        let token = try #require(login.json["token"].string)
        let cookie = try #require(login.headers[.setCookie])
        #expect(cookie == "token=\(token); HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age=604800")
        for (query, headers) in [
            ("?token=\(token)", [:]), ("?accesskey=\(token)", [:]), ("", [.authorization: "bearer \(token)"]),
            ("", [.cookie: "token=\(token)"]), ("", [.cookie: "accesskey=\(token)"]),
        ] as [(String, HTTPFields)] {
            #expect(try await send(.get, "/v1.0/me\(query)", headers: headers, to: managers).code == 200)
        }
        let changed = String(token.dropLast(3)) + "AAA"
        let bad = try await send(.get, "/v1.0/me?token=\(changed)", headers: [:], to: managers)
        #expect(bad.code == 401 && bad.reason == "INVALID_CREDENTIALS")
    }

    @Test func aSessionTokenEndsAfterSevenDays() async throws {
        var configuration = GatewayConfiguration()
        let managers = FakeManagers { _, _ in .result(["agent": ["id": .id(FakeManagers.agent), "username": "a"]]) }
        configuration.now = { Timestamp(parsing: "2026-01-01")! }
        let body = #"{"username":"a","password":"b"}"#
        let login = try await send(
            .post,
            "/auth/login",
            body: body,
            headers: [:],
            to: managers,
            configuration: configuration
        )
        let token = try #require(login.json["token"].string)
        for (day, code) in [("2026-01-07", 200), ("2026-01-08", 401)] {
            configuration.now = { Timestamp(parsing: day)! }
            let answer = try await send(
                .get,
                "/v1.0/me?token=\(token)",
                headers: [:],
                to: managers,
                configuration: configuration
            )
            #expect(answer.code == code)
        }
    }

    @Test func aTokenCarriesItsSessionAndEndsWithIt() async throws {
        let session = Locked<Int64>(7)
        let managers = FakeManagers { request, _ in
            if request.method == "account.login" {
                return .result(["agent": ["id": .id(FakeManagers.agent), "username": "a"], "session": 7])
            }
            let isOver = !request.params["session"].isNull && request.params["session"].integer != session.value
            return isOver ? .refused(Refusal(.unauthenticated, "X", "over")) : .result([:])
        }
        var configuration = GatewayConfiguration()
        let time = Locked(Timestamp(parsing: "2026-01-01")!)
        configuration.now = { time.value }
        let application = buildGateway(client: managers, configuration: configuration, logger: Logger(label: "test"))
        try await application.test(.router) { client in
            let body = ByteBuffer(string: #"{"username":"a","password":"b"}"#)
            let login = try await client.execute(uri: "/auth/login", method: .post, headers: [:], body: body)
            let token = try JSONValue(parsing: Array(login.body.readableBytesView))["token"].string ?? ""
            func code() async throws -> Int {
                try await client.execute(uri: "/v1.0/me?token=\(token)", method: .get, headers: [:], body: nil).status
                    .code
            }
            #expect(try await code() == 200)
            #expect(await managers.asked("identity.resolve").first?.params["session"] == 7)
            // Another password: another session.
            session.value = 8
            time.value = time.value + .seconds(10)
            #expect(try await code() == 401)
            // A refusal is not remembered.
            session.value = 7
            #expect(try await code() == 200)
        }
    }

    @Test func anIdentityIsBelievedForTenSecondsAndNoLonger() async throws {
        let managers = FakeManagers()
        var configuration = GatewayConfiguration()
        #expect(configuration.identityLifetime <= .seconds(10))
        let time = Locked(Timestamp(parsing: "2026-01-01")!)
        configuration.now = { time.value }
        let application = buildGateway(client: managers, configuration: configuration, logger: Logger(label: "test"))
        try await application.test(.router) { client in
            for _ in 0..<5 {
                _ = try await client.execute(uri: "/v1.0/me?token=\(key)", method: .get, headers: [:], body: nil)
                time.value = time.value + Milliseconds(4_000)
            }
        }
        #expect(await managers.asked("identity.resolve").count == 2)
    }

    @Test func noCredentialsAndUnknownOnesAreToldApart() async throws {
        let none = try await send(.get, "/v1.0/me", headers: [:], to: FakeManagers())
        #expect(none.code == 401 && none.reason == "AUTHENTICATION_REQUIRED")
        let unknown = FakeManagers { _, _ in .refused(Refusal(.unauthenticated, "X", "secret detail")) }
        let bad = try await send(.get, "/v1.0/me", to: unknown)
        #expect(bad.code == 401 && bad.reason == "INVALID_CREDENTIALS")
        #expect(!bad.json.text.contains("secret detail"))
    }

    @Test func aFailedLoginIs401() async throws {
        let managers = FakeManagers { _, _ in .refused(Refusal(.unauthenticated, "X", "no")) }
        let body = #"{"username":"a","password":"b"}"#
        let failed = try await send(.post, "/auth/login", body: body, headers: [:], to: managers)
        #expect(failed.code == 401 && failed.reason == "INVALID_CREDENTIALS")
        let broken = try await send(.post, "/auth/login", body: "{", headers: [:], to: managers)
        #expect(broken.code == 400 && broken.reason == "INVALID_JSON_BODY")
    }

    @Test func aChangeByCookieNeedsItsOwnOrigin() async throws {
        for (origin, code) in [
            (nil, 403), ("https://evil.example", 403), ("null", 403), ("http://localhost", 200),
        ] as [(String?, Int)] {
            var headers: HTTPFields = [.cookie: "token=\(key)"]
            headers[.origin] = origin
            let answer = try await send(.post, "/v1.0/campaigns", body: "{}", headers: headers, to: FakeManagers())
            #expect(answer.code == code)
        }
    }

    @Test(arguments: [(1, 200), (16, 403), (32, 403), (64, 403)])
    func onlyOperatorsSeeCustomers(permission: Int64, code: Int) async throws {
        #expect(try await send(.get, "/v1.0/customers", to: FakeManagers(permission: permission)).code == code)
    }

    @Test(arguments: [(0, 403), (1, 200), (16, 403), (32, 200), (64, 200)])
    func campaignsNeedAnAdminOrAManager(permission: Int64, code: Int) async throws {
        let answer = try await send(.get, "/v1.0/campaigns", to: FakeManagers(permission: permission))
        #expect(answer.code == code)
        if code == 403 { #expect(answer.reason == "PERMISSION_DENIED") }
    }
}
