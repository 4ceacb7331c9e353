import CampaignDomain
import Contracts
import Foundation
import OutdialDomain
import Testing

extension SystemTests {
    /// Whole campaigns that do something on their calls, or without one: every count follows from the magic numbers.
    @Suite struct FlowScenarioTests {
        private func id(_ number: UInt64) -> JSONValue { .id(ID(high: 77, low: number)) }

        /// One line of the outbox for each message of a campaign.
        private func messages(_ system: CarillonSystem, of campaign: ID) throws -> [JSONValue] {
            let text = (try? String(contentsOfFile: system.outbox, encoding: .utf8)) ?? ""
            return try text.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
                .filter { $0["campaign_id"].id == campaign }
        }

        /// An outdial with a person in each row: name, day, number.
        private func people(_ rows: [(name: String, day: String, number: String)], _ api: API) async throws -> ID {
            let outdial = try await api.makeOutdial([])
            let text = "name,day,destination_0\n" + rows.map { "\($0.name),\($0.day),\($0.number)\n" }.joined()
            let answer = try await api.client.send(
                "POST",
                "/v1.0/outdials/\(outdial)/targets/import",
                headers: ["Authorization": "Bearer \(api.accessKey)", "Content-Type": "text/csv"],
                body: Array(text.utf8),
                within: .seconds(60)
            )
            #expect(answer.json["imported"].integer == Int64(rows.count))
            return outdial
        }

        @Test func aReminderIsConfirmedByThoseWhoPressOne() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let magic = [7, 1, 9, 5, 2]
            let rows = (0..<50).map { (name: "Ann \($0)", day: "Monday", number: number(810, $0, magic[$0 % 5])) }
            let outdial = try await people(rows, api)
            let actions: JSONValue = [
                ["type": "amd", "option": ["machine_handle": "hangup"]],
                ["type": "talk", "option": ["text": "Hello ${name}, your appointment is on ${day}. Press 1."]],
                ["type": "digits_receive", "option": ["length": 1, "duration": 3000]],
                [
                    "type": "branch",
                    "option": ["target_ids": ["1": id(1)], "default_target_id": id(2)],
                ],
                [
                    "id": id(1), "type": "message_send",
                    "option": ["text": "See you on ${day}, ${name}. Call ${voipbin.call.source} to change it."],
                ],
                ["id": id(2), "type": "talk", "option": ["text": "Good bye."]],
            ]
            let campaign = try await api.makeCampaign(
                on: outdial,
                tries: [2],
                settings: ["name": "reminder", "actions": actions, "source": "+15559990000"]
            )
            let setup = CampaignSetup(id: campaign, outdial: outdial)
            try await api.setStatus(campaign, "run")
            try await api.awaitExhaustion(campaign, within: .seconds(40))

            let facts = try system.facts().of(setup)
            #expect(facts.callsByReason == ["normal": 30, "busy": 10 + 20, "amd": 20])
            #expect(facts.targets(result: "success") == 30)
            #expect(facts.targets(result: "fail") == 20)
            facts.expectSound()
            let sent = try messages(system, of: campaign)
            #expect(
                Set(sent.compactMap { $0["text"].string })
                    == Set((0..<10).map { "See you on Monday, Ann \($0 * 5). Call +15559990000 to change it." })
            )
            #expect(sent.count == 10)

            let runs = try await api.list("/v1.0/activeflows?campaign_id=\(campaign)")
            #expect(runs.count == 30 + 20 && runs.allSatisfy { $0["status"].string == "ended" })
            let lengths = Dictionary(grouping: runs) { $0["executed_actions"].array?.count ?? 0 }.mapValues(\.count)
            // Machines are hung up on at once; of the others those who pressed got a message.
            #expect(lengths == [1: 20, 6: 10, 5: 20])
            let confirmed = try #require(runs.first { $0["executed_actions"].array?.count == 6 })
            #expect(
                confirmed["executed_actions"].array?.compactMap { $0["type"].string }
                    == ["amd", "talk", "digits_receive", "branch", "message_send", "talk"]
            )
            let call = try await api.get("/v1.0/campaigncalls/\(confirmed["campaigncall_id"].string ?? "")")
            #expect(call["activeflow_id"] == confirmed["id"] && call["hangup_by"].string == "local")
            let again = try await api.answer("POST", "/v1.0/activeflows/\(confirmed["id"].string ?? "")/stop", [:])
            #expect(again.status == 409)
        }

        @Test func anEmergencyReachesTwoThousandWithinFiveTries() async throws {
            let system = try await SharedSystem.current.system()
            let ends = [(1, 1100), (7, 600), (9, 200), (2, 50), (3, 50)]
            let rows = ends.flatMap { magic, count in (0..<count).map { [number(820 + magic, $0, magic)] } }
            let talk: JSONValue = ["type": "talk", "option": ["text": "Close your windows. ${name}, press 1."]]
            let setup = try await system.api.makeCampaign(
                rows,
                tries: [5],
                tryInterval: 1000,
                dialTimeout: 5000,
                settings: ["actions": [talk, ["type": "digits_receive", "option": ["length": 1, "duration": 2000]]]]
            )
            try await system.api.setStatus(setup.id, "run")
            try await system.api.awaitExhaustion(setup.id, within: .seconds(60))
            let facts = try system.facts().of(setup)
            #expect(facts.callsByReason == ["normal": 1900, "busy": 200 + 250, "no_answer": 250])
            #expect(facts.targets(result: "success") == 1900)
            #expect(facts.targets(result: "fail") == 100)
            #expect(facts.calls.values.count { $0.digits == "1" } == 600)
            #expect(facts.calls.values.allSatisfy { $0.assignment.tryCount <= 5 })
            facts.expectSound()
        }

        @Test("A10: campaigns that place no call send, and end", arguments: ["message", "email", "flow"])
        func campaignsThatPlaceNoCallSendAndEnd(_ kind: String) async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let rows = (0..<40).map { (name: "Bob \($0)", day: "Friday", number: number(830, $0, 1)) }
            let outdial = try await people(rows, api)
            let send: JSONValue =
                kind == "email"
                ? ["type": "email_send", "option": ["subject": "${day}", "content": "Hello ${name}"]]
                : ["type": "message_send", "option": ["text": "Hello ${name}"]]
            let campaign = try await api.makeCampaign(
                on: outdial,
                tries: [1],
                settings: ["type": .string(kind), "actions": [["type": "talk", "option": ["text": "x"]], send]]
            )
            try await api.setStatus(campaign, "run")
            try await api.awaitExhaustion(campaign, within: .seconds(30))
            let facts = try system.facts().of(CampaignSetup(id: campaign, outdial: outdial))
            #expect(facts.callsByReason == ["normal": 40] && facts.ledger.isEmpty)
            #expect(facts.targets(result: "success") == 40)
            facts.expectSound()
            let sent = try messages(system, of: campaign)
            #expect(sent.count == 40 && Set(sent.compactMap { $0["attempt_id"].id }).count == 40)
            let call = try #require(try await api.list("/v1.0/campaigns/\(campaign)/campaigncalls").first)
            #expect(call["reference_type"].string == kind && call["reference_id"] == call["activeflow_id"])
            let run = try await api.get("/v1.0/activeflows/\(call["activeflow_id"].string ?? "")")
            #expect(run["reference_type"].string == "campaign")
            #expect(run["executed_actions"].array?.compactMap { $0["result"].string }.last == "sent")
        }

        @Test func aFlowThatConnectsCallsOthersAndOneThatIsStoppedHangsUp() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let connect: JSONValue = [
                "type": "connect", "option": ["destinations": [["target": .string(number(841, 1, 1))]]],
            ]
            let setup = try await api.makeCampaign(
                (0..<5).map { [number(840, $0, 1)] },
                tries: [1],
                settings: ["actions": [connect]]
            )
            try await api.setStatus(setup.id, "run")
            try await api.awaitExhaustion(setup.id, within: .seconds(20))
            let facts = try system.facts().of(setup)
            #expect(facts.callsByReason == ["normal": 5] && facts.legs.count == 5)
            #expect(Set(facts.legs.compactMap(\.owner)) == Set(facts.calls.keys))
            facts.expectSound()

            let waiting = try await api.makeCampaign(
                [[number(842, 1, 1)]],
                tries: [1],
                settings: ["actions": [["type": "sleep", "option": ["duration": 3_000_000]]]]
            )
            try await api.setStatus(waiting.id, "run")
            var run = JSONValue.null
            try await eventually("the flow runs", within: .seconds(10)) {
                run = try await api.list("/v1.0/activeflows?campaign_id=\(waiting.id)&status=running").first ?? .null
                return run["current_action"]["type"].string == "sleep"
            }
            _ = try await api.call("POST", "/v1.0/activeflows/\(run["id"].string ?? "")/stop", [:])
            try await api.awaitExhaustion(waiting.id, within: .seconds(10))
            let stopped = try await api.get("/v1.0/activeflows/\(run["id"].string ?? "")")
            #expect(stopped["status"].string == "ended")
            #expect(stopped["executed_actions"].array?.compactMap { $0["result"].string } == ["stopped"])
            #expect(try system.facts().of(waiting).callsByReason == ["normal": 1])
        }
    }
}
