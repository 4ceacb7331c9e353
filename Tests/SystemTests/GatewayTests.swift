import Contracts
import Foundation
import Testing

extension SystemTests {
    /// The public API through the real gateway, as clients see it.
    @Suite struct GatewayTests {
        @Test func aLoginGivesATokenThatWorksInEveryForm() async throws {
            let system = try await SharedSystem.current.system()
            let client = system.api.client
            let file = try #require(FileManager.default.contents(atPath: "\(system.dataDirectory)/first-account.json"))
            let account = try JSONValue(parsing: Array(file))
            let body: JSONValue = ["username": account["username"], "password": account["password"]]
            let login = try await client.send("POST", "/auth/login", body: body.bytes, within: .seconds(30))
            #expect(login.status == 200)
            #expect(login.json["username"] == account["username"])
            let token = try #require(login.json["token"].string)
            let cookie = try #require(login.headers["set-cookie"])
            #expect(cookie.hasPrefix("token=\(token);"))
            for part in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=604800"] {
                #expect(cookie.contains(part))
            }
            let key = try #require(account["access_key"].string)
            #expect(key == system.api.accessKey)
            for secret in [token, key] {
                let forms: [(String, [String: String])] = [
                    ("?token=\(secret)", [:]), ("?accesskey=\(secret)", [:]),
                    ("", ["Authorization": "Bearer \(secret)"]), ("", ["Cookie": "token=\(secret)"]),
                    ("", ["Cookie": "accesskey=\(secret)"]),
                ]
                for (query, headers) in forms {
                    for path in ["/v1.0/campaigns", "/v1.0/me"] {
                        let answer = try await client.send("GET", path + query, headers: headers, within: .seconds(10))
                        #expect(answer.status == 200, "\(path) \(query.prefix(8)) \(headers.keys)")
                    }
                }
            }
        }

        @Test func refusalsHaveOneShape() async throws {
            let system = try await SharedSystem.current.system()
            let client = system.api.client
            let authorized = ["Authorization": "Bearer \(system.api.accessKey)"]
            let nobody = "01900000-0000-7000-8000-000000000000"
            let wrong: JSONValue = ["username": "admin", "password": "wrong"]
            let cases: [(String, String, [String: String], [UInt8], Int, String)] = [
                ("GET", "/v1.0/campaigns", [:], [], 401, "AUTHENTICATION_REQUIRED"),
                ("GET", "/v1.0/campaigns?accesskey=vb_wrong", [:], [], 401, "INVALID_CREDENTIALS"),
                ("POST", "/auth/login", [:], wrong.bytes, 401, "INVALID_CREDENTIALS"),
                ("POST", "/auth/login", [:], Array("{".utf8), 400, "INVALID_JSON_BODY"),
                ("GET", "/v1.0/campaigns/\(nobody)", authorized, [], 404, "CAMPAIGN_NOT_FOUND"),
                ("GET", "/v1.0/outdials/\(nobody)", authorized, [], 404, "OUTDIAL_NOT_FOUND"),
                ("GET", "/v1.0/campaigns/nonsense", authorized, [], 400, "INVALID_ID"),
                ("GET", "/v1.0/nowhere", authorized, [], 404, "ROUTE_NOT_FOUND"),
            ]
            for (method, path, headers, body, status, reason) in cases {
                let answer = try await client.send(method, path, headers: headers, body: body, within: .seconds(30))
                let error = answer.json["error"]
                #expect(answer.status == status, "\(method) \(path): \(answer.json.text)")
                #expect(error["reason"].string == reason, "\(method) \(path): \(answer.json.text)")
                #expect(error["status"].string?.isEmpty == false)
                #expect(error["message"].string?.isEmpty == false)
                #expect(answer.json["message"] == error["message"])
                #expect(error["request_id"].string != nil)
                #expect(error["request_id"].string == answer.headers["x-request-id"])
            }
        }

        @Test func pagesHoldEveryTargetOnce() async throws {
            let system = try await SharedSystem.current.system()
            let outdial = try await system.api.makeOutdial((0..<250).map { [number(170, $0, 1)] })
            for pageSize in [100, 7] {
                let rows = try await system.api.list("/v1.0/outdials/\(outdial)/targets", pageSize: pageSize)
                #expect(rows.count == 250)
                #expect(Set(rows.compactMap { $0["id"].string }).count == 250)
                #expect(Set(rows.compactMap { $0["destination_0"]["target"].string }).count == 250)
                let times = rows.compactMap { $0["tm_create"].string }
                #expect(times == times.sorted(by: >))
            }
        }

        @Test(arguments: [("outdial-manager", "/v1.0/outdials"), ("campaign-manager", "/v1.0/outplans")])
        func aManagerThatDoesNotAnswerIs503Soon(_ name: String, _ path: String) async throws {
            let system = try await SharedSystem.current.system()
            try await system.api.get(path)
            try system.signal(name, SIGSTOP)
            defer { try? system.signal(name, SIGCONT) }
            let begin = ContinuousClock.now
            let answer = try await system.api.answer("GET", path)
            let duration = ContinuousClock.now - begin
            #expect(answer.status == 503)
            #expect(answer.headers["retry-after"].flatMap { Int($0) } ?? 0 > 0)
            #expect(answer.json["error"]["status"].string == "UNAVAILABLE")
            #expect(duration < .seconds(6))
            try system.signal(name, SIGCONT)
            try await eventually("\(name) answers again", within: .seconds(15)) {
                try await system.api.answer("GET", path).status == 200
            }
        }
    }
}
