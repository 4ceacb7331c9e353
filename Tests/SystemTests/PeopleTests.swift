import Contracts
import Testing

extension SystemTests {
    /// Agents, queues, flows, calls and the dialing switch, as programs of a customer use them.
    @Suite struct PeopleTests {
        /// Logs in; the answer as it is.
        private func logIn(_ api: API, _ username: String, _ password: String) async throws -> HTTPAnswer {
            let body: JSONValue = ["username": .string(username), "password": .string(password)]
            return try await api.client.send("POST", "/auth/login", body: body.bytes, within: .seconds(30))
        }

        /// Makes an agent and logs it in.
        private func makeAgent(
            _ api: API,
            _ username: String,
            _ fields: JSONObject = [:]
        ) async throws -> (id: ID, api: API) {
            var body = fields
            body["username"] = .string(username)
            body["password"] = "a long password"
            let agent = try await api.call("POST", "/v1.0/agents", .object(body))
            var own = api
            own.accessKey = try #require(try await logIn(api, username, "a long password").json["token"].string)
            return (try #require(agent["id"].id), own)
        }

        @Test func agentsLogInAndMayWhatTheirPermissionSays() async throws {
            let api = try await SharedSystem.current.system().api
            let (ann, annAPI) = try await makeAgent(api, "people-ann", ["name": "Ann"])
            #expect(try await annAPI.get("/v1.0/me")["id"].id == ann)
            let own = try await annAPI.get("/v1.0/agents/\(ann)")
            #expect(own["permission"] == 16)
            #expect(own["status"] == "offline")
            #expect(own["password"] == .null && own["password_hash"] == .null)
            try await annAPI.call("PUT", "/v1.0/agents/\(ann)/status", ["status": "available"])
            let taken = try await api.answer(
                "POST",
                "/v1.0/agents",
                ["username": "people-ann", "password": "a long password"]
            )
            #expect(taken.status == 409)
            #expect(taken.json["error"]["reason"] == "USERNAME_TAKEN")
            for (method, path) in [
                ("GET", "/v1.0/agents"), ("POST", "/v1.0/queues"), ("PUT", "/v1.0/customer/dialing"),
                ("PUT", "/v1.0/agents/\(ann)/permission"), ("DELETE", "/v1.0/agents/\(ann)"),
                ("GET", "/v1.0/system/dialing"), ("GET", "/v1.0/agents/\(ID(high: 1, low: 1))"),
            ] {
                #expect(try await annAPI.answer(method, path, method == "GET" ? nil : [:]).status == 403, "\(path)")
            }

            let (max, maxAPI) = try await makeAgent(api, "people-max", ["permission": 64])
            #expect(try await maxAPI.list("/v1.0/agents?name=Ann").map { $0["id"].id } == [ann])
            let raised = try await maxAPI.answer("PUT", "/v1.0/agents/\(max)/permission", ["permission": 96])
            #expect(raised.status == 403)
            let admin = try #require(try await api.list("/v1.0/agents").first { $0["username"] == "admin" })
            let id = try #require(admin["id"].id)
            #expect(try await maxAPI.answer("DELETE", "/v1.0/agents/\(id)").status == 403)
            #expect(try await api.answer("DELETE", "/v1.0/agents/\(id)").status == 409)
            #expect(try await api.answer("GET", "/v1.0/agents/\(ID(high: 1, low: 1))").status == 404)
        }

        @Test func aChangedPasswordEndsTheSessionsAndBeginsAnother() async throws {
            let api = try await SharedSystem.current.system().api
            let (bob, bobAPI) = try await makeAgent(api, "people-bob")
            try await bobAPI.call("PUT", "/v1.0/agents/\(bob)/password", ["password": "another password"])
            try await eventually("the old token ends", within: .seconds(35)) {
                try await bobAPI.answer("GET", "/v1.0/me").status == 401
            }
            #expect(try await logIn(api, "people-bob", "a long password").status == 401)
            var again = api
            again.accessKey = try #require(try await logIn(api, "people-bob", "another password").json["token"].string)
            #expect(try await again.get("/v1.0/me")["id"].id == bob)
            try await api.call("DELETE", "/v1.0/agents/\(bob)")
            #expect(try await logIn(api, "people-bob", "another password").status == 401)
            try await eventually("the token of a deleted agent ends", within: .seconds(35)) {
                try await again.answer("GET", "/v1.0/me").status == 401
            }
        }

        @Test func aUserNameIsTriedSoOften() async throws {
            let api = try await SharedSystem.current.system().api
            // Nobody has this name: the limit is the same, so that it tells nothing.
            // Two at a time, as many as are checked at once: ten are there, and one more comes every six seconds.
            var answers: [HTTPAnswer] = []
            while answers.count < 40, !answers.contains(where: { $0.status == 429 }) {
                async let first = logIn(api, "people-nobody", "wrong password")
                async let second = logIn(api, "people-nobody", "wrong password")
                answers += [try await first, try await second]
            }
            #expect(answers.allSatisfy { [401, 429].contains($0.status) })
            #expect(answers.count { $0.status == 401 } >= 10)
            let refused = try #require(answers.first { $0.status == 429 })
            #expect(refused.json["error"]["reason"] == "RATE_LIMIT_EXCEEDED")
            #expect((1...6).contains(refused.json["error"]["details"].array?.first?["retry_after"].integer ?? 0))
        }

        @Test func queuesHaveTheAgentsOfTheirTags() async throws {
            let api = try await SharedSystem.current.system().api
            let tag = "01900000-0000-7000-8000-00000000aa01"
            let (eve, _) = try await makeAgent(api, "people-eve", ["tag_ids": [.string(tag)], "status": "available"])
            let queue = try await api.call(
                "POST",
                "/v1.0/queues",
                ["name": "sales", "tag_ids": [.string(tag)], "routing_method": "longest_idle", "wait_timeout": 60_000]
            )
            let path = "/v1.0/queues/\(try #require(queue["id"].string))"
            #expect(queue["routing_method"] == "longest_idle")
            #expect(queue["tm_update"] == "9999-01-01 00:00:00.000000")
            #expect(try await api.list("\(path)/agents").map { $0["id"].id } == [eve])
            #expect(try await api.list("\(path)/agents?status=away").isEmpty)
            #expect(try await api.answer("GET", "\(path)/agents?status=asleep").status == 400)
            #expect(try await api.list("/v1.0/agents?tag_ids=\(tag)").map { $0["id"].id } == [eve])
            let first = try await api.call("POST", "\(path)/direct-hash-regenerate")["direct_hash"].string
            let second = try await api.call("POST", "\(path)/direct-hash-regenerate")["direct_hash"].string
            #expect(first?.isEmpty == false && first != second)
            #expect(try await api.call("PUT", "\(path)/routing_method", ["routing_method": ""])["routing_method"] == "")
            #expect(try await api.answer("PUT", path, ["routing_method": "best"]).status == 400)
            #expect(try await api.call("DELETE", path)["id"] == queue["id"])
            #expect(try await api.answer("GET", path).status == 404)
            #expect(try await api.get("\(path)?deleted=true")["name"] == "sales")
        }

        @Test func wrongActionsAreRefusedWithTheirPlace() async throws {
            let api = try await SharedSystem.current.system().api
            let talk: JSONValue = ["type": "talk", "option": ["text": "hello", "language": "en-US"]]
            let flow = try await api.call("POST", "/v1.0/flows", ["name": "hello", "actions": [talk]])
            let id = try #require(flow["id"].string)
            #expect(flow["actions"].array?.first?["next_id"] == "00000000-0000-0000-0000-000000000000")
            for path in ["/v1.0/flows", "/v1.0/campaigns"] {
                let body: JSONValue = [
                    "actions": [talk, talk, talk, ["type": "queue_join", "option": ["queue_id": 5]]]
                ]
                let answer = try await api.answer("POST", path, body)
                #expect(answer.status == 400)
                #expect(answer.json["message"] == "actions[3].option.queue_id must be a UUID")
            }
            let campaign = try await api.call("POST", "/v1.0/campaigns", ["flow_id": .string(id)])
            #expect(campaign["flow_id"].string == id)
            let missing = try await api.answer("POST", "/v1.0/campaigns", ["queue_id": .string(id)])
            #expect(missing.status == 400)
            #expect(missing.json["message"].string?.hasPrefix("queue_id names a queue that does not exist") == true)
            #expect(try await api.call("DELETE", "/v1.0/flows/\(id)")["id"].string == id)
        }

        @Test func nobodyIsDialedWhileDialingIsOff() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            let setup = try await api.makeCampaign(
                (0..<300).map { [number(180, $0, 1)] },
                tries: [1],
                settings: ["max_concurrent": 10]
            )
            func dialed() throws -> Int { try Facts.readLedger(system.ledger).count { $0.campaign == setup.id } }
            for (index, path) in ["/v1.0/customer/dialing", "/v1.0/system/dialing"].enumerated() {
                if index == 0 { try await api.setStatus(setup.id, "run") }
                try await eventually("calls are placed", within: .seconds(20)) { try dialed() >= 20 + 60 * index }
                try await api.call("PUT", path, ["enabled": false])
                // What was on its way when the switch was made is placed within moments.
                try await eventually("the calls under way end", within: .seconds(20)) {
                    let progress = try await api.campaign(setup.id)["progress"]
                    return progress["dialing"] == 0 && progress["answered"] == 0 && progress["progressing"] == 0
                }
                let count = try dialed()
                let end = ContinuousClock.now + .seconds(3)
                while ContinuousClock.now < end {
                    #expect(try await api.campaign(setup.id)["status"] == "run")
                    try await Task.sleep(for: .milliseconds(300))
                }
                #expect(try dialed() == count)
                #expect(count < 300)
                let rehearsal = try await api.call("POST", "/v1.0/campaigns/\(setup.id)/rehearsal")
                #expect(rehearsal["obstacles"].array?.map { $0["reason"] } == ["DIALING_DISABLED"])
                if index == 1 { try await system.killAndAwaitRestart("campaign-manager") }
                try await eventually("the switch is off", within: .seconds(20)) {
                    let shown = try await api.get(index == 0 ? "/v1.0/customer" : path)
                    return shown[index == 0 ? "dialing_enabled" : "enabled"] == false
                }
                #expect(try dialed() == count)
                try await api.call("PUT", path, ["enabled": true])
                try await eventually("dialing goes on", within: .seconds(2)) { try dialed() > count }
            }
            try await api.awaitExhaustion(setup.id, within: .seconds(60))
            let facts = try system.facts().of(setup)
            #expect(facts.callsByReason == ["normal": 300])
            facts.expectSound()
        }

        @Test func callsAreListedAndHungUp() async throws {
            let system = try await SharedSystem.current.system()
            let api = system.api
            // Nobody answers: it rings for 6 s.
            let setup = try await api.makeCampaign(
                [[number(190, 1, 3)], [number(190, 2, 3)]],
                tries: [1],
                dialTimeout: 120_000
            )
            try await api.setStatus(setup.id, "run")
            var calls: [JSONValue] = []
            try await eventually("both ring", within: .seconds(5)) {
                // The newest are on the first page.
                let page = try await api.get("/v1.0/calls")["result"].array ?? []
                calls = page.filter { $0["campaign_id"].id == setup.id }
                return calls.count == 2 && calls.allSatisfy { $0["status"] == "ringing" }
            }
            let id = try #require(calls[0]["id"].string)
            #expect(calls[0]["direction"] == "outgoing")
            let asked = try await api.call("POST", "/v1.0/calls/\(id)/hangup")
            #expect(asked["id"].string == id)
            #expect(["canceling", "hangup"].contains(asked["status"].string))
            try await eventually("the call ends", within: .seconds(5)) {
                try await api.get("/v1.0/calls/\(id)")["status"] == "hangup"
            }
            let over = try await api.get("/v1.0/calls/\(id)")
            #expect(over["hangup_by"] == "local")
            #expect(over["hangup_reason"] == "cancel")
            let again = try await api.answer("POST", "/v1.0/calls/\(id)/hangup")
            #expect(again.status == 409)
            #expect(again.json["error"]["reason"] == "STATE_INVALID")
            let other = try #require(calls[1]["id"].string)
            #expect(try await api.get("/v1.0/calls/\(other)")["status"] == "ringing")
            #expect(try await api.answer("GET", "/v1.0/calls/\(ID(high: 1, low: 1))").status == 404)
            try await api.awaitExhaustion(setup.id, within: .seconds(30))
            let facts = try system.facts().of(setup)
            #expect(facts.callsByReason == ["cancel": 1, "no_answer": 1])
            facts.expectSound()
        }
    }
}
