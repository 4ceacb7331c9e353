import Contracts
import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// The commands for objects, run as an operator runs them.
    @Suite struct ToolTests {
        @Test func pagesJoinAndEveryLineIsAnObject() async throws {
            let system = try await SharedSystem.current.system()
            let outdial = try await system.api.makeOutdial((0..<230).map { [number(190, $0, 1)] })
            let all = try await carillon("target", "list", "--outdial", "\(outdial)", "--limit", "0", "--json")
            #expect(all.status == 0, "\(all.errors)")
            let rows = try all.objects()
            #expect(rows.count == 230)
            #expect(Set(rows.compactMap { $0["id"].string }).count == 230)
            #expect(rows.allSatisfy { $0["outdial_id"].id == outdial })
            let some = try await carillon("target", "list", "--outdial", "\(outdial)", "--limit", "120", "--json")
            #expect(try some.objects() == Array(rows.prefix(120)))
            let usual = try await carillon("target", "list", "--outdial", "\(outdial)")
            let lines = usual.output.split(separator: "\n")
            #expect(lines.count == 101)
            #expect(lines[0].hasPrefix("id ") && lines[1].hasPrefix(rows[0]["id"].string ?? "-"))
            #expect(!usual.output.contains("\u{1B}"))
        }

        @Test func anObjectIsMadeChangedShownAndDeleted() async throws {
            let made = try await carillon("outdial", "create", "--name", "by hand", "data={\"a\":1}", "--json")
            let object = try #require(try made.objects().first)
            let id = try #require(object["id"].string)
            #expect(object["name"] == "by hand" && object["data"] == "{\"a\":1}")
            let changed = try await carillon("outdial", "set", id, "detail=42", "--name", "17", "--json")
            #expect(changed.status == 1, "a number is no detail: \(changed.output)")
            #expect(changed.errors.contains("detail must be a string (INVALID_ARGUMENT, request "))
            let named = try await carillon("outdial", "set", "--name", "17", id)
            #expect(named.status == 0 && named.output.contains("name         17\n"), "\(named.output)")
            let deleted = try await carillon("outdial", "delete", id)
            #expect(deleted.output == "outdial \(id) is deleted\n")
            let gone = try await carillon("outdial", "get", id)
            #expect(gone.status == 1 && gone.errors.contains("OUTDIAL_NOT_FOUND"))
            #expect(try await carillon("outdial", "get", id, "--deleted").status == 0)
        }

        @Test func aDocumentComesFromAFile() async throws {
            let directory = try TemporaryDirectory()
            let file = directory.file("plan.json")
            let document: JSONValue = ["name": "from a file", "max_try_count_0": 3, "try_interval": 60_000]
            try document.text.write(toFile: file, atomically: true, encoding: .utf8)
            let made = try await carillon("outplan", "create", "--json-body", file, "--name", "over it", "--json")
            let object = try #require(try made.objects().first)
            #expect(object["name"] == "over it" && object["max_try_count_0"] == 3 && object["try_interval"] == 60_000)
        }

        @Test func whatMayWorkLaterIsStatus75() async throws {
            let system = try await SharedSystem.current.system()
            try await system.api.get("/v1.0/outdials")
            try system.signal("outdial-manager", SIGSTOP)
            defer { try? system.signal("outdial-manager", SIGCONT) }
            let busy = try await carillon("outdial", "list")
            #expect(busy.status == 75 && busy.errors.contains("try again"), "\(busy.errors)")
            try system.signal("outdial-manager", SIGCONT)
            try await eventually("it answers again", within: .seconds(15)) {
                try await system.api.answer("GET", "/v1.0/outdials").status == 200
            }
            let nobody = try await carillon(
                "outdial",
                "list",
                "--url",
                "http://127.0.0.1:1",
                "--access-key",
                "vb_secret"
            )
            #expect(nobody.status == 75 && !nobody.errors.contains("vb_secret"), "\(nobody.errors)")
        }

        @Test func theKeyIsInNoMessage() async throws {
            let system = try await SharedSystem.current.system()
            let url = "http://127.0.0.1:\(system.api.client.port)"
            let environment = ["CARILLON_URL": url, "CARILLON_ACCESS_KEY": "vb_wrongwrongwrong"]
            let refused = try await carillon("campaign", "list", environment: environment)
            #expect(refused.status == 1 && refused.errors.contains("INVALID_CREDENTIALS"))
            #expect(!refused.errors.contains("vb_wrong") && refused.output.isEmpty)
            let directory = try TemporaryDirectory()
            let nothing = try await carillon("campaign", "list", environment: ["CARILLON_DATA_DIR": directory.path])
            #expect(nothing.status == 2, "\(nothing.errors)")
        }

        @Test func aCampaignIsRehearsedAndItsResultsAreATable() async throws {
            let system = try await SharedSystem.current.system()
            let setup = try await system.api.makeCampaign((0..<5).map { [number(191, $0, 1)] }, tries: [1])
            let rehearsal = try await carillon("campaign", "rehearse", "\(setup.id)")
            #expect(rehearsal.status == 0 && rehearsal.output.contains("5 targets: 5 now"), "\(rehearsal.errors)")
            try await system.api.setStatus(setup.id, "run")
            try await system.api.awaitExhaustion(setup.id, within: .seconds(30))
            let results = try await carillon("campaign", "results", "\(setup.id)")
            #expect(results.status == 0 && results.output.split(whereSeparator: \.isNewline).count == 6)
            let rearmed = try await carillon(
                "target",
                "rearm",
                "--outdial",
                "\(setup.outdial)",
                "--result",
                "success"
            )
            #expect(rearmed.output == "5 targets can be dialed again\n", "\(rearmed.errors)")
        }

        @Test func dialingIsSwitchedOffAndOn() async throws {
            #expect(try await carillon("dialing").output == "dialing is on\n")
            #expect(try await carillon("dialing", "off").output == "dialing is off\n")
            #expect(try await carillon("dialing", "on").output == "dialing is on\n")
            #expect(try await carillon("dialing", "--system").output == "dialing is on\n")
        }

        @Test func theLogsTellWhoWroteAFieldAndWhatLedToIt() async throws {
            let system = try await SharedSystem.current.system()
            let setup = try await system.api.makeCampaign([[number(191, 1, 2)]], tries: [1])
            try await system.api.setStatus(setup.id, "run")
            try await system.api.awaitExhaustion(setup.id, within: .seconds(30))
            let now = try #require(try await system.api.list("/v1.0/outdials/\(setup.outdial)/targets").first)
            let target = "target:\(try #require(now["id"].string))"

            let blame = try await carillon("log", "blame", target, "result_reason", "--json")
            let verdict = try #require(try blame.objects().first, "\(blame.errors)")
            #expect(verdict["before"] == "" && verdict["after"] == "busy")
            #expect(verdict["event"]["type"] == "target_attempt_finished")
            // From the report of the end back to the dial command, through three daemons.
            #expect(
                verdict["causes"].array?.compactMap { $0["type"].string } == [
                    "campaigncall_finished", "call_hangup", "campaigncall_created",
                ]
            )

            let since = try await carillon("log", "bisect", target, "status=progressing", "--json")
            let leased = try #require(try since.objects().first, "\(since.errors)")
            #expect(leased["type"] == "target_leased")
            let position = try #require(leased["position"].string)
            let then = try await carillon("log", "state", target, "--at", position, "--json", "--unmasked")
            let state = try #require(try then.objects().first, "\(then.errors)")
            #expect(state["status"] == "progressing" && state["try_count_0"] == 1 && state["result"] == "")
            #expect(state["destination_0"] == now["destination_0"])
            let last = try await carillon("log", "state", target, "--json", "--unmasked")
            #expect(try last.objects().first?["result"] == now["result"])
            let list = try await carillon(
                "log",
                "state",
                "target",
                "--where",
                "outdial_id=\(setup.outdial)",
                "--where",
                "status=done",
                "--json"
            )
            #expect(try list.objects().map { $0["id"] } == [now["id"]])

            let never = try await carillon("log", "bisect", target, "status=flying")
            #expect(never.status == 1 && never.errors.contains("was never flying"))
            let unknown = try await carillon("log", "blame", target, "colour")
            #expect(unknown.status == 64 && unknown.errors.contains("has no field colour; it has id, "))
            let late = try await carillon("log", "state", target, "--at", "outdial-manager:99999999")
            #expect(late.status == 1 && late.errors.contains("has no position 99999999"))
        }
    }
}
