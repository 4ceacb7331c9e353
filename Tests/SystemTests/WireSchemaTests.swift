import CampaignDomain
import Contracts
import EventLog
import Foundation
import OutdialDomain
import Service
import TestSupport
import Testing

extension SystemTests {
    /// Every message of whole campaigns against `schemas/`, and every schema against some message.
    @Suite struct WireSchemaTests {
        /// Schemas that this campaign need not use, each with the reason.
        private static let unused: [String: String] = [
            "messages/item.settle": "only an attempt that is overdue is settled; MessageSchemaTests checks its form",
            "messages/item.settled": "only an attempt that is overdue is settled; MessageSchemaTests checks its form",
            "messages/item.attempt_refused":
                "only when a cancel overtakes a command; MessageSchemaTests checks its form",
            "messages/item.outdial_ready":
                "only when a campaign waits for somebody at that moment; MessageSchemaTests checks its form",
            "messages/item.hangup": "no call of this campaign is hung up by hand; MessageSchemaTests checks its form",
            "messages/call_dial": "no other engine serves a route here; MessageSchemaTests checks its form",
            "messages/item.stop_flow":
                "no flow of this campaign is stopped by hand; MessageSchemaTests checks its form",
            "messages/item.opt_out": "nobody of this campaign opts out; MessageSchemaTests checks its form",
            "messages/item.queue_joined": "this campaign has no queue; MessageSchemaTests checks its form",
            "messages/item.ring_agent": "this campaign has no queue; MessageSchemaTests checks its form",
            "messages/item.leave_queue": "this campaign has no queue; MessageSchemaTests checks its form",
            "messages/item.agent_leg": "this campaign has no queue; MessageSchemaTests checks its form",
            "events/activeflow_deleted": "no endpoint deletes a run of a flow",
            "events/queuecall_created": "this campaign has no queue; QueueTests hold theirs to it",
            "events/queuecall_waiting": "this campaign has no queue; QueueTests hold theirs to it",
            "events/queuecall_connecting": "this campaign has no queue; QueueTests hold theirs to it",
            "events/queuecall_serviced": "this campaign has no queue; QueueTests hold theirs to it",
            "events/queuecall_done": "this campaign has no queue; QueueTests hold theirs to it",
            "events/queuecall_abandoned": "this campaign has no queue; QueueTests hold theirs to it",
            "events/queuecall_updated": "no request changes one; PublishedEventTests checks its form",
            "events/queuecall_deleted": "no endpoint deletes one; PublishedEventTests checks its form",
            "events/customer_deleted": "no endpoint deletes a customer",
        ]

        @Test func everyMessageOfWholeCampaignsHoldsToItsSchema() async throws {
            let broker = try await PrivateBroker.start()
            defer { broker.stop() }
            let tap = try await WireTap(on: broker, prefix: "wire")
            let system = try await CarillonSystem.start(
                timeScale: 0.02,
                workers: 2,
                environment: ["CARILLON_AMQP_PREFIX": "wire"],
                amqpURL: broker.url
            )
            do {
                let setup = try await dial(on: system, tap)
                try await changeEverything(on: system, setup)
            } catch {
                Issue.record(error)
            }
            #expect(try tap.count(in: tap.names.parked) == 0)
            try await system.stop()
            try await tap.finish()
            try await expectSoundLogs(system, isWireRead: true)
            try system.facts().expectSound()

            var reading = WireReading(names: tap.names)
            for message in tap.published { try await reading.read(message) }
            var events: [JSONValue] = []
            for message in tap.events { events += try await reading.readEvents(message) }
            expectOrder(of: events)
            try expectComplete(events, system)
            for event in events {
                let found = Secrets.found(in: event, values: [system.api.accessKey])
                #expect(found.isEmpty, "\(event["type"].string ?? ""): \(found)")
            }
            let all =
                try SchemaFiles.names(in: "messages").map { "messages/\($0)" }
                + SchemaFiles.names(in: "events").map { "events/\($0)" }
            let idle = all.filter { reading.uses[$0] == nil && Self.unused[$0] == nil }
            #expect(idle.isEmpty, "no message was of these schemas: use them here, or say why not")
            print("checked \(reading.uses.values.reduce(0, +)) documents of \(reading.uses.count) schemas")
        }

        @Test func theFilesAreSchemasAndTheirReferencesLeadSomewhere() async throws {
            let problems = try await SchemaChecker.shared.problemsOfFiles()
            #expect(problems.isEmpty, "\(problems)")
        }

        /// 200 people, most of whom need two tries; stopped, started, replanned, and campaign-manager killed meanwhile.
        private func dial(on system: CarillonSystem, _ tap: WireTap) async throws -> CampaignSetup {
            let magic = [1, 9, 2, 4, 7, 3, 8, 6]
            let setup = try await system.api.makeCampaign(
                (0..<200).map { [number(700, $0, magic[$0 % magic.count])] },
                tries: [2],
                settings: [
                    "max_concurrent": 25,
                    "actions": [
                        ["type": "talk", "option": ["text": "hello"]],
                        ["type": "digits_receive", "option": ["length": 1, "duration": 2000]],
                    ],
                ]
            )
            func progress(_ done: Int64) async throws {
                try await eventually("\(done) are done and some under way", within: .seconds(40)) {
                    let progress = try await system.api.campaign(setup.id)["progress"]
                    return progress["done"].integer ?? 0 >= done && progress["dialing"].integer ?? 0 > 0
                }
            }
            try await system.api.setStatus(setup.id, "run")
            try await progress(20)
            try await system.api.setStatus(setup.id, "stop")
            try await eventually("it stops", within: .seconds(20)) {
                try await system.api.campaign(setup.id)["status"].string == "stop"
            }
            try await system.api.setStatus(setup.id, "run")
            try await progress(40)
            let outplan = try #require(try await system.api.campaign(setup.id)["outplan_id"].string)
            try await system.api.call("PUT", "/v1.0/outplans/\(outplan)/dial_info", ["try_interval": 1500])
            try await system.killAndAwaitRestart("campaign-manager")
            // Another engine speaks of calls that nobody here has placed.
            await tap.report(
                [
                    "specversion": "1.0", "id": .id(id(77)), "source": "another-engine", "type": "call_hangup",
                    "time": "2026-01-01T00:00:00Z", "data": ["id": .id(id(78)), "hangup_reason": "busy"],
                ],
                type: "call_hangup"
            )
            await tap.report(
                ["type": "call_ringing", "publisher": "another-engine", "data": ["id": .id(id(79))]],
                type: "call_ringing"
            )
            try await system.api.awaitExhaustion(setup.id, within: .seconds(90))
            return setup
        }

        /// Changes and deletes everything that can be.
        private func changeEverything(on system: CarillonSystem, _ setup: CampaignSetup) async throws {
            let api = system.api
            func path(_ kind: String, _ answer: JSONValue) throws -> String {
                "/v1.0/\(kind)/\(try #require(answer["id"].string))"
            }
            let key = try path(
                "accesskeys",
                await api.call("POST", "/v1.0/accesskeys", ["name": "crm", "expire": 3600])
            )
            try await api.call("PUT", key, ["detail": "for the CRM"])
            try await api.call("DELETE", key)
            let outplan = try path("outplans", await api.call("POST", "/v1.0/outplans", ["name": "once"]))
            try await api.call("PUT", outplan, ["detail": "one try"])
            try await api.call("DELETE", outplan)
            let outdial = try path("outdials", await api.call("POST", "/v1.0/outdials", ["name": "few"]))
            try await api.call("PUT", outdial, ["detail": "very few"])
            let target = try await api.call(
                "POST",
                "\(outdial)/targets",
                ["name": "Ann", "destination_0": ["type": "tel", "target": .string(number(701, 1, 1))]]
            )
            try await api.call("DELETE", "\(outdial)/targets/\(try #require(target["id"].string))")
            try await api.call("DELETE", outdial)
            let list = try path("dnclists", await api.call("POST", "/v1.0/dnclists", ["name": "asked by letter"]))
            try await api.call("POST", "\(list)/numbers", ["number": "+15550100001"])
            try await api.call("DELETE", list)
            try await changePeople(on: api, path)
            let call = try #require(try await api.list("/v1.0/campaigns/\(setup.id)/campaigncalls").first?["id"].string)
            try await api.call("DELETE", "/v1.0/campaigncalls/\(call)")
            try await api.call(
                "PUT",
                "/v1.0/campaigns/\(setup.id)",
                ["name": "over", "calls_per_second": .double(2.5)]
            )
            try await api.call("DELETE", "/v1.0/campaigns/\(setup.id)")
            // The event of an outdial that nobody uses any more.
            try await api.call("DELETE", "/v1.0/outdials/\(setup.outdial)")
        }

        private func changePeople(on api: API, _ path: (String, JSONValue) throws -> String) async throws {
            try await api.call("PUT", "/v1.0/customer", ["detail": "calls people"])
            let agent = try path(
                "agents",
                await api.call("POST", "/v1.0/agents", ["username": "bea", "password": "correct horse"])
            )
            try await api.call("PUT", agent, ["name": "Bea"])
            try await api.call("PUT", "\(agent)/status", ["status": "available"])
            try await api.call("DELETE", agent)
            let talk: JSONValue = ["type": "talk", "option": ["text": "please wait"]]
            let flow = try path("flows", await api.call("POST", "/v1.0/flows", ["name": "wait", "actions": [talk]]))
            try await api.call("PUT", flow, ["detail": "for callers"])
            let queue = try path("queues", await api.call("POST", "/v1.0/queues", ["name": "sales"]))
            try await api.call("PUT", "\(queue)/routing_method", ["routing_method": "random"])
            try await api.call("DELETE", queue)
            try await api.call("DELETE", flow)
        }

        /// Without repetitions the events of one object rise in their sequence.
        private func expectOrder(of events: [JSONValue]) {
            var (seen, last): (Set<String>, [String: Int64]) = ([], [:])
            for event in events where seen.insert(event["id"].string ?? "").inserted {
                let sequence = event["sequence"].string.flatMap { Int64($0) } ?? 0
                let object = "\(event["source"].string ?? "") \(event["subject"].string ?? "")"
                #expect(sequence > last[object] ?? 0, "\(object) at \(sequence) after \(last[object] ?? 0)")
                last[object] = sequence
            }
        }

        /// What the logs hold and other programs are told of, each of them arrived and shows the last state at the end.
        private func expectComplete(_ events: [JSONValue], _ system: CarillonSystem) throws {
            let facts = try system.facts()
            let told = Dictionary(grouping: events) { $0["subject"].string ?? "" }
            for (id, call) in facts.calls {
                let last = told[id.description]?.last
                #expect(last?["data"]["status"].string == call.status, "campaigncall \(id)")
                #expect(last?["data"]["result"].string == call.result, "campaigncall \(id)")
            }
            for (id, target) in facts.targets {
                let last = told[id.description]?.last
                #expect(last?["data"]["status"].string == target.status.rawValue, "target \(id)")
                #expect(last?["data"]["try_count_0"].integer == Int64(target.tryCounts[0]), "target \(id)")
            }
            #expect(facts.calls.count > 200 && facts.targets.count >= 200)
        }
    }
}
