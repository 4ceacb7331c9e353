import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import GRDB
import TestSupport
import Testing

@Suite struct PeopleTurnTests {
    @Test func `user names are unique over all customers, and those of deleted agents are free`() throws {
        let harness = try CampaignHarness()
        let (admin, _) = try harness.makeCustomer(CampaignHarness.customer, named: "one")
        let (other, _) = try harness.makeCustomer(id(4), named: "two")
        let (_, ann) = try harness.makeAgent("ann", by: admin)
        let refusal = #expect(throws: Refusal.self) { try harness.makeAgent("ann", by: other, of: id(4)) }
        #expect(refusal?.reason == "USERNAME_TAKEN")
        #expect(refusal?.status == .alreadyExists)
        try harness.ask("agent.delete", ["id": .id(ann)], as: admin)
        _ = try harness.makeAgent("ann", by: other, of: id(4))
        #expect(throws: Refusal.self) { try harness.makeCustomer(id(5), named: "ann") }
        #expect(try harness.verify() == [])
    }

    @Test func `agents of another customer are not there, and an agent sees only itself`() throws {
        let harness = try CampaignHarness()
        let (admin, _) = try harness.makeCustomer(CampaignHarness.customer, named: "one")
        let (other, _) = try harness.makeCustomer(id(4), named: "two")
        let (ann, annID) = try harness.makeAgent("ann", by: admin)
        let (bob, bobID) = try harness.makeAgent("bob", by: admin)
        for method in ["agent.get", "agent.update", "agent.delete", "agent.status", "agent.permission"] {
            let params: JSONValue = ["id": .id(annID), "body": ["status": "away", "permission": 16]]
            #expect(try harness.refusal(method, params, as: other, of: id(4))?.reason == "AGENT_NOT_FOUND")
            if method == "agent.status" { continue }
            #expect(try harness.refusal(method, params, as: bob)?.reason == "PERMISSION_DENIED")
        }
        #expect(try harness.ask("agent.get", ["id": .id(bobID)], as: bob)["username"] == "bob")
        try harness.ask("agent.status", ["id": .id(annID), "body": ["status": "available"]], as: ann)
        #expect(try harness.ask("agent.get", ["id": .id(annID)], as: admin)["status"] == "available")
        #expect(try harness.ask("agent.list", [:], as: other, of: id(4))["result"].array?.count == 1)
        // Nobody learns whom there is by asking for what they may not.
        let unknown = try harness.refusal("agent.get", ["id": .id(id(404))], as: bob)
        #expect(unknown?.reason == "PERMISSION_DENIED")
    }

    @Test func `the last admin of a customer cannot go`() throws {
        let harness = try CampaignHarness()
        let (first, firstID) = try harness.makeCustomer(CampaignHarness.customer, named: "one")
        _ = try harness.makeCustomer(id(4), named: "two")
        let (second, secondID) = try harness.makeAgent("second", ["permission": 32], by: first)
        try harness.ask("agent.delete", ["id": .id(firstID)], as: second)
        #expect(try harness.refusal("agent.delete", ["id": .id(secondID)], as: second)?.reason == "STATE_INVALID")
        let less: JSONValue = ["id": .id(secondID), "body": ["permission": 16]]
        #expect(try harness.refusal("agent.permission", less, as: second)?.reason == "STATE_INVALID")
        // A deleted agent is nobody any more.
        #expect(try harness.refusal("agent.create", ["id": .id(id(40))], as: first)?.status != nil)
    }

    @Test func `agents are listed by status, name and tags, page by page`() throws {
        let harness = try CampaignHarness()
        let (admin, _) = try harness.makeCustomer(CampaignHarness.customer, named: "one")
        let tags = (1...3).map { id($0 + 100) }
        for index in 0..<6 {
            harness.now = moment(index)
            let given: JSONValue = .array([.id(tags[index % 3])])
            let status: JSONValue = index < 2 ? "available" : "away"
            _ = try harness.makeAgent(
                "agent\(index)",
                ["tag_ids": given, "status": status, "name": .string("Name \(index)")],
                by: admin
            )
        }
        func names(_ params: JSONObject, _ method: String = "agent.list") throws -> [String] {
            let answer = try harness.ask(method, CampaignHarness.listParams(params), as: admin)
            return (answer["result"].array ?? []).compactMap { $0["username"].string }
        }
        #expect(try names([:]).count == 7)
        #expect(try names(["status": "available"]) == ["agent1", "agent0"])
        #expect(try names(["status": "offline"]) == ["one"])
        #expect(try names(["name": "Name 3"]) == ["agent3"])
        #expect(try names(["name": "name 3"]).isEmpty)
        #expect(try names(["tag_ids": .string("\(tags[0]),\(tags[1])")]) == ["agent4", "agent3", "agent1", "agent0"])
        let page = try harness.ask("agent.list", ["page_size": 4], as: admin)
        #expect(page["result"].array?.count == 4)
        #expect(try names(["page_size": 4, "page_token": page["next_page_token"]]).count == 3)
        #expect(
            try harness.refusal("agent.list", ["filter": ["status": "x"]], as: admin)?.message.hasPrefix("status")
                == true
        )
        #expect(
            try harness.refusal("agent.list", ["filter": ["tag_ids": "x"]], as: admin)?.message.hasPrefix("tag_ids")
                == true
        )

        let queue = id(50)
        try harness.ask(
            "queue.create",
            ["id": .id(queue), "body": ["tag_ids": [.id(tags[2]), .id(tags[1])]]],
            as: admin
        )
        #expect(try names(["id": .id(queue)], "queue.agents") == ["agent5", "agent4", "agent2", "agent1"])
        #expect(try names(["id": .id(queue), "status": "available"], "queue.agents") == ["agent1"])
        try harness.ask("queue.tag_ids", ["id": .id(queue), "body": ["tag_ids": []]], as: admin)
        #expect(try names(["id": .id(queue)], "queue.agents").count == 7)
    }

    @Test func `a token of an earlier session, and of a deleted agent, is refused`() throws {
        let harness = try CampaignHarness()
        let (admin, _) = try harness.makeCustomer(CampaignHarness.customer, named: "one")
        let (ann, annID) = try harness.makeAgent("ann", by: admin)
        func resolve(_ session: Int64?) throws -> Int64? {
            var params: JSONObject = ["agent_id": .id(annID)]
            if let session { params["session"] = .integer(session) }
            do {
                return try harness.ask("identity.resolve", .object(params), as: "api-gateway", of: .none)["session"]
                    .integer
            } catch let refusal as Refusal {
                #expect(refusal.status == .unauthenticated)
                return nil
            }
        }
        #expect(try resolve(nil) == 0)
        try harness.ask("agent.password", ["id": .id(annID), "password_hash": "i"], as: ann)
        #expect(try resolve(nil) == nil)
        #expect(try resolve(0) == nil)
        #expect(try resolve(1) == 1)
        try harness.ask("agent.permission", ["id": .id(annID), "body": ["permission": 64]], as: admin)
        #expect(try resolve(1) == nil)
        #expect(try resolve(2) == 2)
        try harness.ask("agent.delete", ["id": .id(annID)], as: admin)
        for session in 0...3 as ClosedRange<Int64> { #expect(try resolve(session) == nil) }
        #expect(try harness.verify() == [])
    }

    @Test func `queues and flows have to exist where they are named, and are kept while they are dialed with`() throws {
        let harness = try CampaignHarness()
        try harness.hearWorker()
        let (admin, _) = try harness.makeCustomer(CampaignHarness.customer, named: "one")
        let (other, _) = try harness.makeCustomer(id(4), named: "two")
        let (queue, flow, foreign) = (id(50), id(51), id(52))
        try harness.ask("flow.create", ["id": .id(flow), "body": ["actions": [["type": "answer"]]]], as: admin)
        try harness.ask("flow.create", ["id": .id(foreign), "body": [:]], as: other, of: id(4))
        try harness.ask("queue.create", ["id": .id(queue), "body": ["wait_flow_id": .id(flow)]], as: admin)
        for (method, field, wrong) in [
            ("queue.create", "wait_flow_id", foreign), ("queue.create", "wait_flow_id", id(99)),
            ("flow.create", "on_complete_flow_id", foreign), ("campaign.create", "queue_id", id(99)),
            ("campaign.create", "flow_id", foreign), ("campaign.create", "next_campaign_id", id(99)),
        ] {
            let params: JSONValue = ["id": .id(id(60)), "body": .object([field: .id(wrong)])]
            let refusal = try harness.refusal(method, params, as: admin)
            #expect(refusal?.status == .invalidArgument)
            #expect(refusal?.message.hasPrefix("\(field) names a") == true, "\(refusal?.message ?? "")")
        }
        let campaign = try harness.makeCampaign(["queue_id": .id(queue), "flow_id": .id(flow)])
        _ = try harness.start(campaign)
        #expect(try harness.refusal("queue.delete", ["id": .id(queue)], as: admin)?.reason == "STATE_INVALID")
        #expect(try harness.refusal("flow.delete", ["id": .id(flow)], as: admin)?.reason == "STATE_INVALID")
        #expect(try harness.refusal("queue.delete", ["id": .id(queue)], as: other, of: id(4))?.status == .notFound)
        try harness.request("campaign.stop", ["id": .id(campaign)])
        try harness.ask("queue.delete", ["id": .id(queue)], as: admin)
        try harness.ask("flow.delete", ["id": .id(flow)], as: admin)
        #expect(try harness.refusal("queue.get", ["id": .id(queue)], as: admin)?.reason == "QUEUE_NOT_FOUND")
        #expect(try harness.ask("flow.get", ["id": .id(flow), "deleted": true], as: admin)["tm_delete"] != .null)
        let named: JSONValue = ["id": .id(campaign), "body": ["flow_id": .id(flow)]]
        // Naming it again changes nothing; another campaign cannot name it any more.
        #expect(try harness.refusal("campaign.update", named, as: admin) == nil)
        let anew: JSONValue = ["id": .id(id(61)), "body": ["flow_id": .id(flow)]]
        #expect(try harness.refusal("campaign.create", anew, as: admin)?.message.hasPrefix("flow_id") == true)
        #expect(try harness.verify() == [])
    }

    @Test func `a log of an earlier version gets the new tables, and its agents can be listed`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("old.db")
        let old = [
            """
            CREATE TABLE "agent"(
                id BLOB NOT NULL PRIMARY KEY,
                version INTEGER NOT NULL,
                state TEXT NOT NULL,
                "customer_id" BLOB,
                "username" TEXT
            ) STRICT
            """, "CREATE UNIQUE INDEX agent_username ON agent(username)",
        ]
        let unchanged = CampaignTables.schema.filter { statement in
            ![
                "\"agent\"", "\"queue\"", "\"queuecall\"", "\"flow\"", "\"system\"", " agent_", " queue_",
                " queuecall_",
                " need_", " campaign_service", " flow_",
            ]
            .contains { statement.prefix(60).contains($0) }
        }
        let file = try EventLogFile.open(path: path, schema: old + unchanged, now: moment(0))
        var ids = IDGenerator(seed: 9)
        let state = """
            {"id":"\(id(7))","customer_id":"\(id(3))","username":"admin","password_hash":"h","name":"admin",\
            "permission":33,"tm_create":\(moment(0).microseconds)}
            """
        let data: JSONValue = [
            "id": .id(id(7)), "customer_id": .id(id(3)), "username": "admin", "password_hash": "h", "name": "admin",
            "permission": 33,
        ]
        try file.perform(now: moment(0), ids: &ids) { turn in
            _ = try turn.append(
                [NewEvent(type: "agent_created", id: id(1000), data: data.bytes)],
                to: "agent-\(id(7))",
                expecting: .any,
                context: EventContext(correlation: id(1000), actor: "test")
            )
            try turn.database.execute(
                sql: "INSERT INTO agent VALUES (?, 1, ?, ?, 'admin')",
                arguments: [id(7), state, id(3)]
            )
        }
        try file.close()
        let opened = try EventLogFile.open(
            path: path,
            schema: CampaignTables.schema,
            projections: campaignManagerProjections,
            now: moment(1)
        )
        let reads = CampaignReads(log: try LogReader(path: path), clock: { moment(1) })
        func list(_ method: String) throws -> [JSONValue] {
            let request = Request(
                method: method,
                customerID: id(3),
                actor: "test",
                correlation: id(1),
                params: [:]
            )
            return try reads.answer(request).get()["result"].array ?? []
        }
        let agents = try list("agent.list")
        #expect(agents.map { $0["username"] } == ["admin"])
        #expect(agents.map { $0["status"] } == ["available"])
        #expect(try list("queue.list").isEmpty)
        #expect(try LogVerifier.verify(path: path, projections: campaignManagerProjections).violations == [])
        try opened.close()
    }
}
