import APIGateway
import Contracts
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

/// Rates that callers are held to, with a clock that stands still.
@Suite struct LimitTests {
    private static func standing(_ change: (inout RateSettings) -> Void) -> GatewayConfiguration {
        let now = ContinuousClock.now
        var configuration = GatewayConfiguration()
        configuration.instant = { now }
        change(&configuration.rates)
        return configuration
    }

    private struct Limited {
        var code: Int
        var retryAfter: String?
        var json: JSONValue
    }

    private func codes(
        _ count: Int,
        _ uri: String,
        method: HTTPRequest.Method = .get,
        headers: HTTPFields = [.authorization: "Bearer \(key)"],
        _ configuration: GatewayConfiguration,
        _ managers: FakeManagers = FakeManagers()
    ) async throws -> [Limited] {
        let application = buildGateway(client: managers, configuration: configuration, logger: Logger(label: "test"))
        return try await application.test(.router) { client in
            var answers: [Limited] = []
            for _ in 0..<count {
                let answer = try await client.execute(uri: uri, method: method, headers: headers, body: nil)
                let json = try JSONValue(parsing: Array(answer.body.readableBytesView))
                answers.append(
                    Limited(code: answer.status.code, retryAfter: answer.headers[.retryAfter], json: json)
                )
            }
            return answers
        }
    }

    @Test func loginsOfAnAddressAreLimited() async throws {
        let answers = try await codes(21, "/auth/login", method: .post, headers: [:], Self.standing { _ in })
        #expect(answers[19].code == 400)
        #expect(answers[20].code == 429 && answers[20].retryAfter == "1")
        #expect(answers[20].json["error"]["reason"] == "RATE_LIMIT_EXCEEDED")
        #expect(answers[20].json["error"]["details"] == [["retry_after": 1]])
    }

    @Test func requestsOfAnAddressAreLimitedAndProbesAreNot() async throws {
        let settings = Self.standing { $0.addresses = Rate(perSecond: 1, burst: 5) }
        #expect(try await codes(6, "/v1.0/nothing", settings).map(\.code) == [404, 404, 404, 404, 404, 429])
        #expect(try await codes(9, "/healthz", settings).allSatisfy { $0.code == 200 })
    }

    @Test func requestsOfACustomerAreLimited() async throws {
        let settings = Self.standing { $0.customers = Rate(perSecond: 1, burst: 3) }
        #expect(try await codes(4, "/v1.0/me", settings).map(\.code) == [200, 200, 200, 429])
    }

    @Test func zeroSwitchesALimitOff() async throws {
        let settings = Self.standing { rates in
            rates.addresses = Rate(perSecond: 0, burst: 1)
            rates.customers = Rate(perSecond: 0, burst: 1)
        }
        #expect(try await codes(50, "/v1.0/me", settings).allSatisfy { $0.code == 200 })
    }

    @Test func keysCannotBeGuessedAndKnownOnesStayOpen() async throws {
        let managers = FakeManagers { request, _ in
            let isKnown = request.params["token_hash"].isNull || request.params["token_hash"] == .string(knownHash)
            return isKnown ? .result(["id": .id(FakeManagers.object)]) : .refused(Refusal(.unauthenticated, "X", "no"))
        }
        let application = buildGateway(
            client: managers,
            configuration: Self.standing { $0.failures = Rate(perSecond: 1, burst: 3) },
            logger: Logger(label: "test")
        )
        try await application.test(.router) { client in
            func code(_ key: String) async throws -> Int {
                try await client.execute(uri: "/v1.0/me?accesskey=\(key)", method: .get, headers: [:], body: nil).status
                    .code
            }
            #expect(try await code(key) == 200)
            var guesses: [Int] = []
            for number in 0..<6 { guesses.append(try await code("vb_guess\(number)")) }
            #expect(guesses == [401, 401, 401, 429, 429, 429])
            #expect(try await code("no.session.token") == 429)
            #expect(try await code(key) == 200)
        }
        // The gateway does not even ask for what comes too often.
        #expect(await managers.asked("identity.resolve").count == 4)
    }

    @Test func aManagersRetryAfterBecomesTheHeader() async throws {
        let managers = FakeManagers { _, _ in
            .refused(Refusal(.failedPrecondition, "BUSY", "later", details: [["retry_after": 7]]))
        }
        let answer = try await send(.put, "/v1.0/campaigns/\(FakeManagers.object)", body: "{}", to: managers)
        #expect(answer.code == 409 && answer.headers[.retryAfter] == "7")
    }
}

/// The SHA-256 of ``key``.
private let knownHash = "ab966862581afcce4f68a68a4f11a76704bf428a047e5a41a16d9ca7f1af66be"
