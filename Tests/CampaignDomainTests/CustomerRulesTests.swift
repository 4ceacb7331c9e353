import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct CustomerRulesTests {
    private func customer(_ events: CustomerEvent...) throws -> Customer {
        try #require(given(Customer.self, try Customer.create(id: id(3), body: try body(["name": "c"])) + events))
    }

    @Test func `an update merges, and a wrong field is refused by name`() throws {
        let customer = try customer()
        let events = try customer.update(body: try body(["email": "a@b.c", "webhook_method": "POST", "unknown": 1]))
        let after = try #require(
            given(Customer.self, try Customer.create(id: id(3), body: try body(["name": "c"])) + events)
        )
        #expect(after.resource["name"] == "c")
        #expect(after.resource["email"] == "a@b.c")
        #expect(after.resource["webhook_method"] == "POST")
        #expect(after.resource["tm_update"] == .time(moment(1)))
        #expect(try after.update(body: try body(["email": "a@b.c"])).isEmpty)
        for (fields, field) in [
            (["name": ""], "name"), (["webhook_method": "FAX"], "webhook_method"), (["email": 5], "email"),
            (["webhook_uri": "ftp://x"], "webhook_uri"),
        ] as [(JSONValue, String)] {
            let refusal = #expect(throws: Refusal.self) { try customer.update(body: try body(fields)) }
            #expect(refusal?.message.hasPrefix(field) == true)
        }
    }

    @Test func `dialing is on until it is switched off, and a switch twice is once`() throws {
        let customer = try customer()
        #expect(customer.resource["dialing_enabled"] == true)
        #expect(try customer.switchDialing(body: try body(["enabled": true])).isEmpty)
        let off = try customer.switchDialing(body: try body(["enabled": false]))
        #expect(off == [.dialingSwitched(isEnabled: false)])
        #expect(try self.customer(.dialingSwitched(isEnabled: false)).resource["dialing_enabled"] == false)
        #expect(throws: Refusal.self) { try customer.switchDialing(body: try body([:])) }
        #expect(throws: Refusal.self) { try customer.switchDialing(body: try body(["enabled": "no"])) }
    }

    @Test func `the installation's switch is on before anybody has touched it`() throws {
        #expect(System.initial.isDialingEnabled)
        #expect(try System.initial.switchDialing(body: try body(["enabled": true])).isEmpty)
        let off = try System.initial.switchDialing(body: try body(["enabled": false]))
        let state = try #require(given(System.self, off))
        #expect(state.json == ["enabled": false, "tm_update": .time(moment(0))])
        #expect(try System(json: state.json) == state)
        #expect(try SystemEvent(type: off[0].type, schema: 1, json: off[0].json) == off[0])
    }

    @Test func `customers of earlier versions are dialed for, and their rows keep their bytes`() throws {
        let text = """
            {"id":"\(id(3))","name":"c","detail":"","email":"","phone_number":"","address":"","webhook_method":"",\
            "webhook_uri":"","billing_account_id":"\(ID.none)","status":"active",\
            "tm_create":\(moment(0).microseconds),"tm_update":null,"tm_delete":null}
            """
        let customer = try Customer(json: try JSONValue(parsing: Array(text.utf8)))
        #expect(customer.isDialingEnabled)
        #expect(customer.json.text == text)
        let old: JSONValue = ["id": .id(id(3)), "name": "c", "detail": "", "email": "", "phone_number": ""]
        #expect(given(Customer.self, [try CustomerEvent(type: "customer_created", schema: 1, json: old)]) == customer)
    }

    @Test func `every event survives its stored form, and so does the state`() throws {
        var profile = Customer.Profile()
        profile.name = "n"
        profile.webhookMethod = .put
        let events: [CustomerEvent] = [
            .created(id: id(3), profile: profile), .updated(profile: profile), .dialingSwitched(isEnabled: false),
        ]
        for event in events {
            let stored = try JSONValue(parsing: event.json.bytes)
            #expect(try CustomerEvent(type: event.type, schema: 1, json: stored) == event)
        }
        let state = try #require(given(Customer.self, events))
        #expect(try Customer(json: try JSONValue(parsing: state.json.bytes)) == state)
    }
}
