import APIGateway
import Contracts
import HTTPTypes
import Testing

@Suite struct GatewayTests {
    private let path = "/v1.0/campaigns/\(FakeManagers.object)"

    @Test func everyManagerRouteIsForwarded() async throws {
        for route in RouteTable.campaignAPI.routes {
            guard case .manager(let manager, let rpc, let shape) = route.endpoint else { continue }
            let managers = FakeManagers(permission: 1)
            let uri = route.path.description.split(separator: "/").map { segment in
                segment.hasPrefix("{") ? FakeManagers.object.description : String(segment)
            }.joined(separator: "/")
            let answer = try await send(route.method, "/" + uri, body: #"{"name":"a"}"#, to: managers)
            #expect(answer.code == 200, "\(route.method) \(route.path)")
            let asked = await managers.requests.filter { $0.request.method == rpc }
            #expect(asked.count == 1 && asked[0].manager == manager, "\(route.method) \(route.path)")
            let params = asked[0].request.params
            switch shape {
            case .creation, .accessKeyCreation, .customerCreation:
                #expect(params["id"].id?.high ?? 0 >> 12 & 15 != 0)
                #expect(params["body"] == ["name": "a"])
            case .body:
                let isOwn = !route.path.description.contains("{")
                #expect(isOwn || params["id"].id ?? params["outdial_id"].id == FakeManagers.object)
                #expect(params["body"] == ["name": "a"])
            case .page, .list, .callList: #expect(params["page_size"] == 100 && params["deleted"] == false)
            default: break
            }
        }
    }

    @Test func aNewAccessKeyShowsItsTokenOnce() async throws {
        let managers = FakeManagers()
        let answer = try await send(.post, "/v1.0/accesskeys", body: "", to: managers)
        let token = try #require(answer.json["token"].string)
        #expect(token.hasPrefix("vb_") && token.count == 35)
        #expect(await managers.asked("accesskey.create").first?.params["token"].string == token)
    }

    @Test func unknownPathsAndMethodsHaveTheErrorBody() async throws {
        let unknown = try await send(.get, "/v1.0/nothing", headers: [:], to: FakeManagers())
        #expect(unknown.code == 404 && unknown.reason == "ROUTE_NOT_FOUND")
        #expect(unknown.json["message"] == unknown.json["error"]["message"])
        #expect(unknown.json["error"]["status"] == "NOT_FOUND")
        let method = try await send(.patch, path, to: FakeManagers())
        #expect(method.code == 405 && method.headers[.allow] == "GET, PUT, DELETE, HEAD")
    }

    @Test func requestIDsAreTakenOverWhenTheyAreSafe() async throws {
        let name = try #require(HTTPField.Name("X-Request-Id"))
        for (sent, isKept) in [
            ("abc-1.2_3X", true), ("a:b", false), ("a b", false), (String(repeating: "x", count: 65), false),
        ] {
            let answer = try await send(.get, "/v1.0/nothing", headers: [name: sent], to: FakeManagers())
            let given = try #require(answer.headers[name])
            #expect((given == sent) == isKept)
            #expect(answer.json["error"]["request_id"].string == given)
        }
        #expect(try await send(.get, "/ping", headers: [:], to: FakeManagers()).headers[name] != nil)
    }

    @Test(arguments: ["x", "00000000-0000-0000-0000-000000000000"])
    func aPathNeedsRealIDs(id: String) async throws {
        let answer = try await send(.get, "/v1.0/campaigns/\(id)", to: FakeManagers())
        #expect(answer.code == 400 && answer.reason == "INVALID_ID")
    }

    @Test func bodiesHaveToBeObjectsOfSomeSize() async throws {
        for body in ["{", "[]", "1", "\u{FF}", String(repeating: "[", count: 40)] {
            let answer = try await send(.put, path, body: body, to: FakeManagers())
            #expect(answer.code == 400 && answer.reason == "INVALID_JSON_BODY")
        }
        #expect(try await send(.put, path, to: FakeManagers()).code == 200)
        let large = #"{"name":""# + String(repeating: "x", count: 1 << 20) + #""}"#
        let answer = try await send(.put, path, body: large, to: FakeManagers())
        #expect(answer.code == 413 && answer.json["error"]["request_id"].string != nil)
    }

    @Test func pagesAreClampedAndTokensReadInEveryForm() async throws {
        let time = try #require(Timestamp(parsing: "2022-04-28 02:16:39.712142"))
        for token in [
            "2022-04-28%2002:16:39.712142", "2022-04-28+02:16:39.712142", "2022-04-28T02:16:39.712142Z",
            "2022-04-28T04:16:39.712142+02:00",
        ] {
            let managers = FakeManagers { _, _ in .result(["result": [], "next_page_token": .null]) }
            let answer = try await send(.get, "/v1.0/outdials?page_size=500&page_token=\(token)", to: managers)
            #expect(answer.json == ["result": [], "next_page_token": ""])
            let params = await managers.asked("outdial.list").first?.params
            #expect(params?["page_token"] == .time(time) && params?["page_size"] == 100)
        }
        let bad = try await send(.get, "/v1.0/outdials?page_token=yesterday", to: FakeManagers())
        #expect(bad.code == 400 && bad.json["error"]["details"] == [["field": "page_token"]])
    }

    @Test func timesAreWrittenInTheConfiguredForm() async throws {
        let managers = FakeManagers { _, _ in
            .result([
                "result": [
                    [
                        "tm_create": 1_651_112_199_712_142, "tm_delete": .null, "next_try_at": .null,
                        "progress": ["waiting_until": 1_651_112_199_712_142], "actions": [["option": ["tm_x": 5]]],
                    ]
                ], "next_page_token": 1_651_112_199_712_142,
            ])
        }
        let documented = try await send(.get, "/v1.0/outplans", to: managers).json
        let row = documented["result"].array?.first ?? .null
        #expect(row["tm_create"] == "2022-04-28 02:16:39.712142")
        #expect(row["tm_delete"] == "9999-01-01 00:00:00.000000")
        #expect(row["next_try_at"] == .null)
        #expect(row["progress"]["waiting_until"] == "2022-04-28 02:16:39.712142")
        #expect(row["actions"] == [["option": ["tm_x": 5]]])
        #expect(documented["next_page_token"] == "2022-04-28 02:16:39.712142")
        var configuration = GatewayConfiguration()
        configuration.timeFormat = .rfc3339
        let newer = try await send(.get, "/v1.0/outplans", to: managers, configuration: configuration).json
        #expect(newer["result"].array?.first?["tm_create"] == "2022-04-28T02:16:39.712142Z")
        #expect(newer["result"].array?.first?["tm_delete"] == .null)
    }

    @Test func aCampaignIsAnsweredWithAndWithoutItsTargetCounts() async throws {
        let outdial = "40bea034-1d17-474d-a5de-da00d0861c69"
        for isUp in [true, false] {
            let managers = FakeManagers { request, manager in
                guard manager == .outdial else {
                    return .result(["outdial_id": .string(outdial), "progress": ["calls": 3]])
                }
                guard isUp else { throw Refusal.unavailable("down") }
                return .result(.object([outdial: ["targets": 5, "idle": 2, "waiting_until": .null]]))
            }
            let answer = try await send(.get, path, to: managers)
            #expect(answer.code == 200 && answer.json["progress"]["calls"] == 3)
            #expect(answer.json["progress"]["targets"] == (isUp ? 5 : .null))
        }
    }

    @Test func aManagerThatIsAwayIs503() async throws {
        let managers = FakeManagers { _, _ in throw Refusal.unavailable("campaign-manager is away") }
        let answer = try await send(.get, path, to: managers)
        #expect(answer.code == 503 && answer.reason == "SERVICE_UNAVAILABLE")
        #expect(answer.headers[.retryAfter] == "1")
    }

    @Test func readinessNamesWhatItWaitsFor() async throws {
        #expect(try await send(.get, "/healthz", headers: [:], to: FakeManagers()).code == 200)
        #expect(try await send(.get, "/readyz", headers: [:], to: FakeManagers()).code == 200)
        let half = FakeManagers { _, manager in throw Refusal.unavailable("away") }
        let answer = try await send(.get, "/readyz", headers: [:], to: half)
        #expect(answer.code == 503 && answer.json["waiting_for"] == ["outdial-manager"])
    }
}
