import Contracts
import EventLog
import Foundation
import Testing

extension SystemTests {
    /// Lists, re-arms, repeats and dry runs, through the real gateway and across kills.
    @Suite struct ListTests {
        // MARK: - Lists

        @Test func aFilteredListIsWholeWhileRowsAreAdded() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let outdial = try await api.makeOutdial((0..<60).map { [number(620, $0, 1)] })
            let path = "/v1.0/outdials/\(outdial)/targets"
            let before = Set(try await api.list("\(path)?name=target%201").compactMap { $0["id"].id })
            try #require(before.count == 11)
            var seen: [ID] = []
            var token = ""
            var index = 100
            repeat {
                let query =
                    "name=target%201&status=idle&page_size=3"
                    + (token.isEmpty ? "" : "&page_token=\(API.escape(token))")
                let page = try await api.get("\(path)?\(query)")
                seen += try #require(page["result"].array).compactMap { $0["id"].id }
                token = try #require(page["next_page_token"].string)
                let body: JSONValue = [
                    "name": .string("target 1\(index)"), "destination_0": ["target": .string(number(621, index, 1))],
                ]
                try await api.call("POST", path, body)
                index += 1
            } while !token.isEmpty
            #expect(Set(seen).isSuperset(of: before))
            #expect(Set(seen).count == seen.count)
        }

        @Test func filtersOfCallsAndCampaignsAreTakenAndWrongOnesRefused() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let setup = try await api.makeCampaign([[number(622, 0, 1)], [number(622, 1, 2)]], tries: [1])
            try await api.setStatus(setup.id, "run")
            try await api.awaitExhaustion(setup.id, within: .seconds(30))
            let calls = "/v1.0/campaigns/\(setup.id)/campaigncalls"
            #expect(try await api.list("\(calls)?result=success").count == 1)
            #expect(try await api.list("\(calls)?hangup_reason=busy&status=done").count == 1)
            #expect(try await api.list("\(calls)?to=2020-01-01T00:00:00Z").isEmpty)
            #expect(
                try await api.list("/v1.0/campaigncalls?campaign_id=\(setup.id)&outdial_id=\(setup.outdial)").count == 2
            )
            #expect(try await api.list("/v1.0/outdials/\(setup.outdial)/targets?result_reason=busy").count == 1)
            for (path, name) in [
                ("/v1.0/campaigns?status=over", "status"), ("\(calls)?result=perhaps", "result"),
                ("\(calls)?from=yesterday", "from"), ("/v1.0/campaigncalls?outdial_id=1", "outdial_id"),
                ("/v1.0/outdials/\(setup.outdial)/targets?result_reason=bored", "result_reason"),
            ] {
                let answer = try await api.answer("GET", path)
                #expect(answer.status == 400)
                #expect(answer.json["message"].string?.hasPrefix("\(name) must be") == true, "\(answer.json.text)")
            }
        }

        @Test func aRehearsalCountsWhatARunThenDials() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let setup = try await api.makeCampaign((0..<6).map { [number(623, $0, 1)] }, tries: [1])
            let before = try await api.call("POST", "/v1.0/campaigns/\(setup.id)/rehearsal")
            #expect(before["targets"].integer == 6)
            #expect(before["now"].integer == 6)
            #expect(before["obstacles"].array == [])
            #expect(before["shortest_duration"].integer == 0)
            #expect(try await api.campaign(setup.id)["status"].string == "stop")
            try await api.setStatus(setup.id, "run")
            try await api.awaitExhaustion(setup.id, within: .seconds(30))
            let after = try await api.call("POST", "/v1.0/campaigns/\(setup.id)/rehearsal")
            #expect(after["never"].integer == 6)
            #expect(after["reasons"].array?.first?["reason"].string == "already_done")
            #expect(after["shortest_duration"].isNull)
        }

        // MARK: - Re-arming

        @Test func reArmedTargetsAreDialedAgainWhileTheCampaignRuns() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let rows = (0..<8).map { [number(624, $0, $0 < 5 ? 2 : 1)] }
            let setup = try await api.makeCampaign(rows, tries: [1], settings: ["end_handle": "continue"])
            try await api.setStatus(setup.id, "run")
            try await awaitDone(8, setup, api)
            let targets = "/v1.0/outdials/\(setup.outdial)/targets"
            let answer = try await api.call("POST", "\(targets)/rearm", ["result_reason": ["busy"], "result": "fail"])
            #expect(answer["rearmed"].integer == 5)
            try await eventually("the five are dialed again", within: .seconds(30)) {
                try await api.campaign(setup.id)["progress"]["calls"].integer == 13
            }
            try await awaitDone(8, setup, api)
            let one = try #require(try await api.list("\(targets)?result=success").first?["id"].id)
            try await api.call("POST", "\(targets)/\(one)/rearm")
            try await eventually("the one is dialed again", within: .seconds(30)) {
                try await api.campaign(setup.id)["progress"]["calls"].integer == 14
            }
            try await awaitDone(8, setup, api)
            try await api.setStatus(setup.id, "stop")
        }

        private func awaitDone(_ count: Int64, _ setup: CampaignSetup, _ api: API) async throws {
            try await eventually("\(count) targets are done", within: .seconds(30)) {
                try await api.campaign(setup.id)["progress"]["done"].integer == count
            }
        }

        // MARK: - Dry runs

        @Test func aDryRunReportsWhatTheImportThenDoes() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let outdial = try await api.makeOutdial([[number(625, 0, 1)]])
            var text = "name,destination_0\n"
            for index in 0..<1200 { text += "t \(index),\(number(625, index, 1))\n" }
            text += "bad,12\nagain,\(number(625, 700, 1))\n"
            func post(_ query: String) async throws -> JSONValue {
                try await api.client.send(
                    "POST",
                    "/v1.0/outdials/\(outdial)/targets/import\(query)",
                    headers: ["Authorization": "Bearer \(api.accessKey)", "Content-Type": "text/csv"],
                    body: Array(text.utf8),
                    within: .seconds(60)
                ).json
            }
            let dry = try await post("?dry_run=true")
            #expect(dry["dry_run"].bool == true)
            #expect(try await api.list("/v1.0/outdials/\(outdial)/targets").count == 1)
            let real = try await post("")
            for member in ["imported", "rejected", "duplicates", "errors"] { #expect(dry[member] == real[member]) }
            #expect(real["imported"].integer == 1199)
            #expect(real["duplicates"].integer == 2)
        }

        // MARK: - Repeats

        @Test func aRepeatShowsTheSameAccessKey() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let key = "keys-\(UInt32.random(in: 0 ... .max))"
            func create(_ name: String) async throws -> HTTPAnswer {
                try await api.client.send(
                    "POST",
                    "/v1.0/accesskeys",
                    headers: ["Authorization": "Bearer \(api.accessKey)", "Idempotency-Key": key],
                    body: (["name": .string(name)] as JSONValue).bytes,
                    within: .seconds(30)
                )
            }
            let first = try await create("programs")
            let second = try await create("programs")
            #expect(first.status == 200)
            #expect(second.json == first.json)
            let token = try #require(first.json["token"].string)
            let me = try await api.client.send("GET", "/v1.0/me?accesskey=\(token)", within: .seconds(30))
            #expect(me.status == 200)
            let other = try await create("other programs")
            #expect(other.status == 409)
            #expect(other.json["error"]["reason"].string == "IDEMPOTENCY_KEY_REUSED")
            let secret = Data(token.utf8)
            for file in ["campaign-manager.db", "campaign-manager.db-wal"] {
                let bytes = FileManager.default.contents(atPath: "\(system.dataDirectory)/\(file)") ?? Data()
                #expect(bytes.range(of: secret) == nil, "\(file) holds the token")
            }
        }

        @Test(arguments: [
            ("outdial.create", "/v1.0/outdials", "outdial_created", "outdial-manager"),
            ("campaign.create", "/v1.0/campaigns", "campaign_created", "campaign-manager"),
        ])
        func aRepeatAfterACrashBeforeTheAnswerFindsWhatWasMade(
            _ method: String,
            _ path: String,
            _ event: String,
            _ manager: String
        ) async throws {
            let directory = FileManager.default.temporaryDirectory
                .appendingPathComponent("crash-\(UInt64.random(in: 0 ... .max))").path
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let environment = ["CARILLON_CRASH_AT": "before_reply.\(method):1", "CARILLON_CRASH_ONCE": directory]
            try await withSystem(environment: environment) { system in
                func create() async throws -> HTTPAnswer {
                    try await system.api.client.send(
                        "POST",
                        path,
                        headers: ["Authorization": "Bearer \(system.api.accessKey)", "Idempotency-Key": "once"],
                        body: Array(#"{"name":"spring"}"#.utf8),
                        within: .seconds(30)
                    )
                }
                // The gateway itself asks again when the manager is back; what it answered is the first one's.
                var answers = [try await create()]
                try await eventually("it is answered", within: .seconds(30)) {
                    if answers.last?.status != 200 { answers.append(try await create()) }
                    return answers.last?.status == 200
                }
                let first = try #require(answers.last).json
                let again = try await create()
                #expect(again.status == 200)
                #expect(again.json["id"] == first["id"])
                #expect(FileManager.default.fileExists(atPath: directory), "no process died")
                #expect(try system.events(event, of: manager) == 1)
                #expect(try await system.api.list(path).count == 1)
            }
        }
    }
}
