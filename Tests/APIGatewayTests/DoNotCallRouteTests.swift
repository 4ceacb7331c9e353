import APIGateway
import Contracts
import HTTPTypes
import Testing

/// The paths of do-not-call lists.
@Suite struct DoNotCallRouteTests {
    private let list = "/v1.0/dnclists/\(FakeManagers.object)"

    @Test func aNumberInThePathIsNoID() async throws {
        for written in ["+15550000001", "%2B15550000001"] {
            let managers = FakeManagers()
            let answer = try await send(.delete, "\(list)/numbers/\(written)", to: managers)
            #expect(answer.code == 200)
            let asked = try #require(await managers.asked("dnclist.remove").first)
            #expect(asked.params["number"].string == "+15550000001")
            #expect(asked.params["id"].id == FakeManagers.object)
        }
    }

    @Test func theManagerIsToldWhetherAnOperatorAsks() async throws {
        for (permission, expected) in [(Int64(32), false), (Int64(1), true)] {
            let managers = FakeManagers(permission: permission)
            _ = try await send(.post, "/v1.0/dnclists", body: #"{"global":true,"is_operator":true}"#, to: managers)
            #expect(await managers.asked("dnclist.create").first?.params["is_operator"].bool == expected)
        }
    }

    @Test func aNumberInTheQueryReachesTheManager() async throws {
        let managers = FakeManagers()
        _ = try await send(.get, "/v1.0/dnclists/check?number=%2B15550000001", to: managers)
        let asked = try #require(await managers.asked("dnclist.check").first)
        #expect(asked.params["filter"]["number"].string == "+15550000001")
    }

    @Test func aFileOfNumbersNeedsItsColumn() async throws {
        let managers = FakeManagers { request, _ in
            let rows = request.params["rows"].array ?? []
            return .result(["imported": .integer(rows.count), "rejected": 0, "duplicates": 0, "errors": []])
        }
        let headers: HTTPFields = [.authorization: "Bearer \(key)", .contentType: "text/csv"]
        let path = "\(list)/numbers/import"
        let file = "reason,number\nby letter,+15550000001\n,+15550000002\n"
        let answer = try await send(.post, path, body: file, headers: headers, to: managers)
        #expect(answer.json["imported"].integer == 2)
        let rows = await managers.asked("dnclist.import").flatMap { $0.params["rows"].array ?? [] }
        #expect(rows.map { $0["values"]["number"].string } == ["+15550000001", "+15550000002"])
        let refused = try await send(.post, path, body: "name\nAnn\n", headers: headers, to: managers)
        #expect(refused.code == 400)
        #expect(refused.json["message"].string?.contains("number") == true)
    }
}
