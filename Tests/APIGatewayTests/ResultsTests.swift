import Contracts
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

@testable import APIGateway

/// `GET /campaigns/{id}/results.csv`.
@Suite struct ResultsTests {
    private let path = "/v1.0/campaigns/\(FakeManagers.object)/results.csv"
    private static let outdial = ID("40bea034-1d17-474d-a5de-da00d0861c69")!

    private func cell(_ text: String) -> String {
        var bytes: [UInt8] = []
        ResultTable.write(text, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func cellsAreQuotedAndNeverAFormula() {
        let cells = [
            "": "", "Ann": "Ann", "a,b": "\"a,b\"", "say \"a\"": "\"say \"\"a\"\"\"", "a\r\nb": "\"a\r\nb\"",
            "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-1": "'-1", "\tx": "'\tx", "\rx": "\"'\rx\"",
            "=cmd|'/C calc'!A0": "'=cmd|'/C calc'!A0", "+15551230000": "+15551230000", "+1+1": "'+1+1", "+": "'+",
            "+1555\n=2": "\"'+1555\n=2\"", "=\"a\",1": "\"'=\"\"a\"\",1\"", "Zoë ☎": "Zoë ☎",
        ]
        for (text, written) in cells { #expect(cell(text) == written) }
    }

    private func text(_ managers: FakeManagers, _ uri: String? = nil) async throws -> (TestResponse, String) {
        let application = buildGateway(
            client: managers,
            configuration: GatewayConfiguration(),
            logger: Logger(label: "test")
        )
        return try await application.test(.router) { client in
            let headers: HTTPFields = [.authorization: "Bearer \(key)"]
            let response = try await client.execute(uri: uri ?? path, method: .get, headers: headers, body: nil)
            return (response, String(buffer: response.body))
        }
    }

    @Test func thereIsARowForEachTargetPageByPage() async throws {
        let ids = (0..<1200).map { ID(high: 7, low: UInt64($0)) }
        let managers = FakeManagers { request, _ in
            switch request.method {
            case "campaign.get": return .result(["id": .id(FakeManagers.object), "outdial_id": .id(Self.outdial)])
            case "target.results":
                let after = Int(request.params["after"].integer ?? -1)
                let end = min(after + 500, ids.count)
                let rows = ids[after..<end].map { id -> JSONValue in
                    [
                        "id": .id(id), "name": "=Ann", "detail": "", "data": "", "status": "done", "result": "success",
                        "result_reason": "normal", "tries": 2, "destination": "+15551230000",
                    ]
                }
                return .result(["rows": .array(rows), "next": end < ids.count ? .integer(end) : .null])
            case "campaigncall.last":
                let first = request.params["target_ids"].array?.first?.id ?? .none
                let call: JSONValue = [
                    "id": .id(FakeManagers.agent), "hangup_reason": "busy", "tm_create": 1_651_112_199_712_142,
                    "tm_progressing": .null, "tm_hangup": 1_651_112_200_712_142,
                ]
                return .result(.object([first.description: call]))
            default: return .result([:])
            }
        }
        let (response, text) = try await text(managers)
        #expect(response.status.code == 200)
        #expect(response.headers[.contentType]?.hasPrefix("text/csv; charset=utf-8") == true)
        #expect(response.headers[.contentDisposition] == "attachment; filename=\"campaign-\(FakeManagers.object).csv\"")
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.count == 1202 && lines.last == "")
        #expect(
            lines[0] == """
                target_id,name,destination,status,result,result_reason,tries,last_call_id,last_call_at,\
                last_call_answered_at,last_call_ended_at,last_call_hangup_reason
                """
        )
        #expect(
            lines[1] == """
                \(ids[0]),'=Ann,+15551230000,done,success,normal,2,\(FakeManagers.agent),2022-04-28 02:16:39.712142,,\
                2022-04-28 02:16:40.712142,busy
                """
        )
        #expect(lines[2] == "\(ids[1]),'=Ann,+15551230000,done,success,normal,2,,,,,")
        #expect(await managers.asked("target.results").map { $0.params["after"] } == [0, 500, 1000])
        #expect(await managers.asked("target.results").allSatisfy { $0.params["limit"] == 500 })
        #expect(
            await managers.asked("campaigncall.last").map { $0.params["target_ids"].array?.count } == [500, 500, 200]
        )
    }

    @Test func aCampaignWithoutAnOutdialHasTheHeaderOnly() async throws {
        let managers = FakeManagers { _, _ in .result(["outdial_id": .id(.none)]) }
        let (_, text) = try await text(managers)
        #expect(text.split(separator: "\r\n").count == 1)
        #expect(await managers.asked("target.results").isEmpty)
    }

    @Test func whatIsNotThereIs404() async throws {
        let managers = FakeManagers { _, _ in .refused(.notFound("CAMPAIGN_NOT_FOUND", "there is no campaign")) }
        #expect(try await text(managers).0.status.code == 404)
    }
}
