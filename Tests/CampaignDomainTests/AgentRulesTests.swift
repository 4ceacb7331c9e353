import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct AgentRulesTests {
    private static let admin = Actor(permission: .customerAdmin)
    private static let manager = Actor(agent: id(70), permission: .customerManager)
    private static let superAdmin = Actor(permission: .projectSuperAdmin)

    private func agent(_ fields: JSONObject = [:], then events: AgentEvent...) throws -> Agent {
        var fields = fields
        fields["username"] = "ann"
        let created = try Agent.create(
            id: id(7),
            customer: id(3),
            body: try body(.object(fields)),
            passwordHash: "h",
            by: Self.superAdmin
        )
        return try #require(given(Agent.self, created + events))
    }

    /// The status of the refusal, nil when there is none.
    private func refusal(_ work: () throws -> Void) -> Refusal? {
        do { try work() } catch { return error as? Refusal }
        return nil
    }

    @Test func `a new agent is offline, an agent and nothing more, and never shows its password`() throws {
        let agent = try agent()
        #expect(agent.permission == .customerAgent)
        #expect(agent.status == .offline)
        #expect(agent.session == 0)
        let resource = agent.resource
        #expect(
            resource.object?.members.map(\.name) == [
                "id", "customer_id", "username", "name", "detail", "ring_method", "status", "permission", "tag_ids",
                "addresses", "direct_hash", "queuecall_id", "next_status", "wrap_up_until", "tm_create", "tm_update",
                "tm_delete",
            ]
        )
        #expect(resource["permission"] == 16)
        #expect(resource["ring_method"] == "ringall")
    }

    @Test func `tags are at most a hundred ids, each once, and addresses are whole`() throws {
        let tag: JSONValue = .id(id(1))
        let made = try agent([
            "tag_ids": [tag, .id(id(2)), tag],
            "addresses": [["target": "+15550000001"], ["type": "extension", "target": "101"]],
        ])
        #expect(made.details.tags == [id(1), id(2)])
        #expect(made.details.addresses.map(\.type) == ["tel", "extension"])
        let wrong: [(JSONObject, String)] = [
            (["tag_ids": .array(Array(repeating: tag, count: 101))], "tag_ids"), (["tag_ids": ["x"]], "tag_ids[0]"),
            (["addresses": [["type": "tel"]]], "addresses[0].target"),
            (["addresses": [["target": "+15550000001"], ["type": "tel", "target": "1"]]], "addresses[1].target"),
            (["ring_method": "all"], "ring_method"), (["permission": 65_536], "permission"),
            (["status": "x"], "status"),
        ]
        for (fields, field) in wrong {
            let refusal = refusal { _ = try agent(fields) }
            #expect(refusal?.status == .invalidArgument)
            #expect(refusal?.message.hasPrefix(field) == true, "\(refusal?.message ?? "")")
        }
    }

    @Test func `credentials have to be there, and a password is long enough`() throws {
        for (fields, field) in [
            (["password": "long enough"], "username"), (["username": "", "password": "long enough"], "username"),
            (["username": "ann"], "password"), (["username": "ann", "password": "short"], "password"),
            (["username": "ann", "password": .string(String(repeating: "x", count: 1025))], "password"),
        ] as [(JSONValue, String)] {
            #expect(refusal { _ = try Agent.credentials(try body(fields)) }?.message.hasPrefix(field) == true)
        }
        #expect(try Agent.credentials(try body(["username": "a", "password": "12345678"])).password == "12345678")
    }

    @Test(
        arguments: [
            // Who, from, to, allowed. 16 agent, 32 admin, 64 manager, 1 super admin.
            (Actor(permission: .customerAdmin), 0, 16, true), (Actor(permission: .customerAdmin), 16, 32, true),
            (Actor(permission: .customerAdmin), 32, 64, true), (Actor(permission: .customerAdmin), 16, 240, true),
            (Actor(permission: .customerAdmin), 16, 1, false), (Actor(permission: .customerAdmin), 1, 16, false),
            (Actor(permission: .customerAdmin), 16, 256 + 16, false),
            (Actor(permission: .customerManager), 0, 16, true), (Actor(permission: .customerManager), 16, 0, true),
            (Actor(permission: .customerManager), 16, 64, false), (Actor(permission: .customerManager), 64, 16, false),
            (Actor(permission: .customerManager), 32, 16, false), (Actor(permission: .customerManager), 0, 128, false),
            (Actor(permission: .customerAgent), 0, 16, false), (Actor.nobody, 0, 0, false),
            (Actor(permission: .projectSuperAdmin), 0, 65_535, true),
        ] as [(Actor, Int64, Int64, Bool)]
    )
    func `nobody gives or takes more than they may`(_ actor: Actor, _ old: Int64, _ new: Int64, _ isAllowed: Bool) {
        let refusal = refusal {
            try actor.requireChange(from: Permission(rawValue: old), to: Permission(rawValue: new))
        }
        #expect((refusal == nil) == isAllowed)
        if let refusal { #expect(refusal.status == .permissionDenied) }
    }

    @Test func `an agent changes its own details, status, addresses and password, and nothing else`() throws {
        let agent = try agent()
        let own = Actor(agent: agent.id, permission: .customerAgent)
        let stranger = Actor(agent: id(99), permission: .customerAgent)
        let changes: [(Actor) throws -> [AgentEvent]] = [
            { try agent.update(body: try body(["name": "x"]), by: $0) },
            { try agent.update(body: try body(["addresses": ["+15550000001"]]), fields: ["addresses"], by: $0) },
            { try agent.setStatus(body: try body(["status": "available"]), by: $0) },
            { try agent.setPassword(hash: "i", by: $0) },
        ]
        for change in changes {
            #expect(try change(own).count == 1)
            #expect(refusal { _ = try change(stranger) }?.status == .permissionDenied)
            #expect(try change(Self.manager).count == 1)
        }
        let others: [(Actor) throws -> [AgentEvent]] = [
            { try agent.update(body: try body(["tag_ids": []]), fields: ["tag_ids"], by: $0) },
            { try agent.setPermission(body: try body(["permission": 0]), by: $0, otherAdmins: 1) },
            { try agent.delete(by: $0, otherAdmins: 1) },
        ]
        for change in others { #expect(refusal { _ = try change(own) }?.status == .permissionDenied) }
    }

    @Test func `a manager sets no admin's password and deletes no admin`() throws {
        let admin = try agent(["permission": 32])
        #expect(refusal { _ = try admin.setPassword(hash: "x", by: Self.manager) }?.status == .permissionDenied)
        #expect(refusal { _ = try admin.delete(by: Self.manager, otherAdmins: 5) }?.status == .permissionDenied)
        #expect(try admin.setPassword(hash: "x", by: Self.admin) == [.passwordChanged(passwordHash: "x")])
        let superAdmin = try agent(["permission": 33])
        #expect(refusal { _ = try superAdmin.setPassword(hash: "x", by: Self.admin) }?.status == .permissionDenied)
    }

    @Test func `the last admin stays one`() throws {
        let admin = try agent(["permission": 48])
        let less = try body(["permission": 16])
        #expect(
            refusal { _ = try admin.setPermission(body: less, by: Self.admin, otherAdmins: 0) }?.reason
                == "STATE_INVALID"
        )
        #expect(refusal { _ = try admin.delete(by: Self.admin, otherAdmins: 0) }?.reason == "STATE_INVALID")
        let more = try body(["permission": 112])
        #expect(try admin.setPermission(body: more, by: Self.admin, otherAdmins: 0).count == 1)
        #expect(try admin.setPermission(body: less, by: Self.admin, otherAdmins: 1).count == 1)
        #expect(try admin.delete(by: Self.admin, otherAdmins: 1) == [.deleted])
    }

    @Test func `the last super admin stays one`() throws {
        let root = Actor(permission: .all)
        let superAdmin = try agent(["permission": 33])
        let less = try body(["permission": 32])
        func delete(_ others: Int) throws -> [AgentEvent] {
            try superAdmin.delete(by: root, otherAdmins: 1, otherSuperAdmins: others)
        }
        #expect(refusal { _ = try delete(0) }?.reason == "STATE_INVALID")
        #expect(try delete(1) == [.deleted])
        let demotion = refusal {
            _ = try superAdmin.setPermission(body: less, by: root, otherAdmins: 1, otherSuperAdmins: 0)
        }
        #expect(demotion?.reason == "STATE_INVALID")
        // Another agent's deletion does not touch this.
        #expect(try agent(["permission": 32]).delete(by: root, otherAdmins: 1, otherSuperAdmins: 0) == [.deleted])
    }

    @Test func `a session ends with the password, the permission and the agent`() throws {
        #expect(try agent([:], then: .statusUpdated(.away)).session == 0)
        #expect(try agent([:], then: .passwordChanged(passwordHash: "i")).session == 1)
        #expect(try agent([:], then: .permissionChanged(.customerManager), .deleted).session == 2)
        #expect(try agent([:], then: .deleted).delete(by: Self.admin, otherAdmins: 0).isEmpty)
    }

    @Test func `what does not change is no event`() throws {
        let agent = try agent(["name": "x"])
        #expect(try agent.update(body: try body(["name": "x", "tag_ids": [.id(id(4))]]), by: Self.admin).isEmpty)
        #expect(try agent.setStatus(body: try body(["status": "offline"]), by: Self.admin).isEmpty)
        #expect(
            try agent.setPermission(body: try body(["permission": 16]), by: Self.admin, otherAdmins: 0).isEmpty
        )
    }

    @Test func `every event survives its stored form, and so does the state`() throws {
        let agent = try agent(
            [
                "permission": 48, "tag_ids": [.id(id(1))], "addresses": ["+15550000001"], "ring_method": "linear",
                "detail": "d",
            ],
            then: .statusUpdated(.busy),
            .passwordChanged(passwordHash: "i"),
            .deleted
        )
        #expect(try Agent(json: try JSONValue(parsing: agent.json.bytes)) == agent)
        let created = try Agent.create(
            id: id(7),
            customer: id(3),
            body: try body(["username": "ann", "status": "away", "addresses": ["+15550000001"]]),
            passwordHash: "h",
            by: Self.admin
        )
        let events: [AgentEvent] =
            created + [
                .updated(agent.details), .statusUpdated(.ringing), .permissionChanged(.customerAdmin),
                .passwordChanged(passwordHash: "i"), .deleted,
            ]
        for event in events {
            let stored = try JSONValue(parsing: event.json.bytes)
            #expect(try AgentEvent(type: event.type, schema: 1, json: stored) == event)
        }
    }

    @Test func `agents of earlier versions are available, and their rows keep their bytes`() throws {
        let text = """
            {"id":"\(id(7))","customer_id":"\(id(3))","username":"admin","password_hash":"h","name":"admin",\
            "permission":33,"tm_create":\(moment(0).microseconds)}
            """
        let agent = try Agent(json: try JSONValue(parsing: Array(text.utf8)))
        #expect(agent.status == .available)
        #expect(agent.json.text == text)
        let event = """
            {"id":"\(id(7))","customer_id":"\(id(3))","username":"admin","password_hash":"h","name":"admin",\
            "permission":33}
            """
        let created = try AgentEvent(
            type: "agent_created",
            schema: 1,
            json: try JSONValue(parsing: Array(event.utf8))
        )
        #expect(given(Agent.self, [created]) == agent)
    }
}
