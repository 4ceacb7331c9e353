import Contracts
import HTTPTypes
import Testing

@testable import APIGateway

@Suite struct ListRouteTests {
    private static let empty: FakeManagers.Script = { _, _ in .result(["result": [], "next_page_token": .null]) }

    @Test func theFiltersOfARouteReachTheManager() async throws {
        let managers = FakeManagers(script: ListRouteTests.empty)
        let path = "/v1.0/outdials/\(FakeManagers.object)/targets"
        let query = "status=idle&name=a%20b&from=2026-01-01T08:00:00+02:00&unknown=1&result=&page_size=7"
        let answer = try await send(.get, "\(path)?\(query)", to: managers)
        #expect(answer.code == 200)
        let params = try #require(await managers.asked("target.list").first).params
        #expect(params["filter"] == ["status": "idle", "name": "a b", "from": "2026-01-01T08:00:00+02:00"])
        #expect(params["page_size"].integer == 7)
    }

    @Test func aListWithoutFiltersAsksForNone() async throws {
        let managers = FakeManagers(script: ListRouteTests.empty)
        _ = try await send(.get, "/v1.0/campaigns?unknown=1", to: managers)
        #expect(try #require(await managers.asked("campaign.list").first).params["filter"].isNull)
    }

    @Test func newRoutesOfTargetsLeadToTheirRequests() async throws {
        let managers = FakeManagers()
        let outdial = "/v1.0/outdials/\(FakeManagers.object)"
        let target = "\(outdial)/targets/\(FakeManagers.agent)"
        _ = try await send(.put, target, body: #"{"name":"Ann"}"#, to: managers)
        _ = try await send(.post, "\(target)/rearm", to: managers)
        _ = try await send(.post, "\(outdial)/targets/rearm", body: #"{"result":"fail"}"#, to: managers)
        _ = try await send(.post, "/v1.0/campaigns/\(FakeManagers.object)/rehearsal", to: managers)
        let update = try #require(await managers.asked("target.update").first).params
        #expect(update["id"].id == FakeManagers.agent)
        #expect(update["outdial_id"].id == FakeManagers.object)
        #expect(try #require(await managers.asked("target.rearm_one").first).params["id"].id == FakeManagers.agent)
        #expect(try #require(await managers.asked("target.rearm").first).params["body"] == ["result": "fail"])
        #expect(await managers.asked("campaign.rehearse").count == 1)
        // A rehearsal is no campaign: no progress is put into it.
        #expect(await managers.asked("outdial.progress").isEmpty)
    }

    @Test func timesOfARehearsalAreTexts() async throws {
        let managers = FakeManagers { _, _ in .result(["later_until": 1_767_225_600_000_000, "now": 3]) }
        let answer = try await send(.post, "/v1.0/campaigns/\(FakeManagers.object)/rehearsal", to: managers)
        #expect(answer.json["later_until"].string == "2026-01-01 00:00:00.000000")
        #expect(answer.json["now"].integer == 3)
    }

    // MARK: - Idempotency

    private func headers(_ name: String) -> HTTPFields { [.authorization: "Bearer \(key)", .idempotencyKey: name] }

    @Test func aKeyReachesTheManagerWithThePathAndAFingerprintOfTheBody() async throws {
        let managers = FakeManagers()
        for body in [#"{"name":"a"}"#, #"{ "name": "a" }"#, #"{"name":"b"}"#] {
            _ = try await send(.post, "/v1.0/outdials", body: body, headers: headers("k"), to: managers)
        }
        let marks = await managers.asked("outdial.create").compactMap(\.idempotency)
        #expect(marks.map(\.key) == ["k", "k", "k"])
        #expect(marks.map(\.path) == Array(repeating: "/v1.0/outdials", count: 3))
        #expect(marks[0].fingerprint == marks[1].fingerprint)
        #expect(marks[0].fingerprint != marks[2].fingerprint)
        #expect(marks[0].fingerprint.count == 64)
    }

    @Test func withoutAKeyOrOnAnotherMethodThereIsNoMark() async throws {
        let managers = FakeManagers()
        _ = try await send(.post, "/v1.0/outdials", body: "{}", to: managers)
        let path = "/v1.0/outdials/\(FakeManagers.object)"
        _ = try await send(.put, path, body: "{}", headers: headers("k"), to: managers)
        #expect(await managers.requests.allSatisfy { $0.request.idempotency == nil })
    }

    @Test func aRepeatedAccessKeyShowsTheSameToken() async throws {
        // The manager remembers the first answer, as it does.
        let first = ID("11111111-1111-7111-8111-111111111119")!
        let managers = FakeManagers { _, _ in .result(["id": .id(first)]) }
        func token(_ name: String) async throws -> String {
            let answer = try await send(.post, "/v1.0/accesskeys", body: "{}", headers: headers(name), to: managers)
            return answer.json["token"].string ?? ""
        }
        let once = try await token("k")
        #expect(once.hasPrefix("vb_"))
        #expect(once.count == 35)
        #expect(try await token("k") == once)
        #expect(try await token("l") != once)
    }

    @Test func theTokenThatIsShownIsTheOneThatWasHashed() async throws {
        let managers = FakeManagers { request, _ in
            .result([
                "id": request.params["id"],
                "token_prefix": .string(String((request.params["token"].string ?? "").prefix(8))),
            ])
        }
        for headers in [headers("k"), [.authorization: "Bearer \(key)"]] {
            let answer = try await send(.post, "/v1.0/accesskeys", body: "{}", headers: headers, to: managers)
            let sent = try #require(await managers.asked("accesskey.create").last).params["token"].string
            #expect(answer.json["token"].string == sent)
            #expect(sent != nil)
        }
    }

    @Test func aTokenThatCannotBeMadeAgainIsNotShown() async throws {
        let managers = FakeManagers { _, _ in .result(["id": .id(FakeManagers.object), "token_prefix": "vb_other"]) }
        let answer = try await send(.post, "/v1.0/accesskeys", body: "{}", headers: headers("k"), to: managers)
        #expect(answer.code == 200)
        #expect(answer.json["token"].isNull)
    }

    // MARK: - Dry runs

    @Test func aDryRunMarksItsSlicesAndItsReport() async throws {
        let managers = FakeManagers { request, _ in
            .result(["imported": .integer(request.params["rows"].array?.count ?? 0), "errors": []])
        }
        let path = "/v1.0/outdials/\(FakeManagers.object)/targets/import"
        let rows = "destination_0\n" + (0..<700).map { "+1555\(1_000_000 + $0)" }.joined(separator: "\n")
        let csv: HTTPFields = [.authorization: "Bearer \(key)", .contentType: "text/csv"]
        let answer = try await send(.post, path + "?dry_run=true", body: rows, headers: csv, to: managers)
        #expect(answer.json["dry_run"].bool == true)
        #expect(answer.json["imported"].integer == 700)
        let marks = await managers.asked("target.import").map { $0.params["dry_run"] }
        #expect(marks.map { $0["is_first"].bool } == [true, false])
        #expect(marks[0]["id"].id == marks[1]["id"].id)
        let real = try await send(.post, path, body: rows, headers: csv, to: managers)
        #expect(real.json["dry_run"].isNull)
        #expect(try #require(await managers.asked("target.import").last).params["dry_run"].isNull)
        let slip = try await send(.post, path + "?dry_run=yes", body: rows, headers: csv, to: managers)
        #expect(slip.code == 400)
        #expect(slip.json["message"].string == "dry_run must be true or false")
    }

    @Test func aRowOverTheLimitIsAnErrorOfThatRow() async throws {
        let managers = FakeManagers { request, _ in
            .result(["imported": .integer(request.params["rows"].array?.count ?? 0), "errors": []])
        }
        let path = "/v1.0/outdials/\(FakeManagers.object)/targets/import"
        let long = String(repeating: "x", count: 65_537)
        let csv: HTTPFields = [.authorization: "Bearer \(key)", .contentType: "text/csv"]
        let body = "destination_0,name\n+15551000001,\(long)\n+15551000002,Bob\n"
        let answer = try await send(.post, path, body: body, headers: csv, to: managers)
        #expect(answer.json["imported"].integer == 1)
        #expect(answer.json["rejected"].integer == 1)
        #expect(answer.json["errors"].array?.first?["line"].integer == 2)
        #expect(answer.json["errors"].array?.first?["reason"].string?.contains("64 KiB") == true)
    }
}
