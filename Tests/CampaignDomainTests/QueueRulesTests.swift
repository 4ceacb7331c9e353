import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct QueueRulesTests {
    private func queue(_ fields: JSONValue = [:], then events: QueueEvent...) throws -> Queue {
        let created = try Queue.create(id: id(5), customer: id(3), body: try body(fields))
        return try #require(given(Queue.self, created + events))
    }

    @Test func `a queue shows all its fields, also the empty ones`() throws {
        let resource = try queue().resource
        #expect(
            resource.object?.members.map(\.name) == [
                "id", "customer_id", "name", "detail", "routing_method", "tag_ids", "wait_flow_id", "wait_timeout",
                "service_timeout", "ring_timeout", "wrap_up_time", "direct_hash", "tm_create", "tm_update", "tm_delete",
            ]
        )
        #expect(resource["ring_timeout"] == 15_000)
        #expect(resource["wrap_up_time"] == 0)
        #expect(resource["wait_flow_id"] == .id(.none))
        #expect(resource["tm_update"].isNull)
    }

    @Test(arguments: ["", "longest_idle", "random", "ringall", "round_robin"])
    func `a routing method is shown as it was given`(_ method: String) throws {
        #expect(try queue(["routing_method": .string(method)]).resource["routing_method"] == .string(method))
    }

    @Test func `a wrong field is refused by name`() throws {
        for (field, value) in [
            ("routing_method", "best"), ("tag_ids", ["x"]), ("tag_ids", 5), ("wait_timeout", -1),
            ("wait_timeout", 86_400_001), ("service_timeout", "x"), ("ring_timeout", 400_000),
            ("wrap_up_time", -1), ("wait_flow_id", "x"), ("name", 5),
        ] as [(String, JSONValue)] {
            let refusal = #expect(throws: Refusal.self) { try queue(.object([field: value])) }
            #expect(refusal?.message.hasPrefix(field) == true)
        }
        #expect(try queue(["wait_timeout": 86_400_000]).settings.waitTimeout == 86_400_000)
        // Not like the times of outplans: a queue may let people wait for half a second.
        #expect(try queue(["wait_timeout": 500]).settings.waitTimeout == 500)
    }

    @Test func `an update merges, and its parts change nothing else`() throws {
        let queue = try queue(["name": "q", "routing_method": "random", "tag_ids": [.id(id(1))]])
        let all = try body(["name": "r", "tag_ids": [.id(id(2))], "routing_method": "ringall"])
        guard case .updated(let tags)? = try queue.update(body: all, part: .tags).first,
            case .updated(let method)? = try queue.update(body: all, part: .routingMethod).first,
            case .updated(let whole)? = try queue.update(body: try body(["detail": "d"])).first
        else { throw Refusal.state("no event") }
        #expect(tags.tags == [id(2)] && tags.name == "q" && tags.routingMethod == .random)
        #expect(method.routingMethod == .ringall && method.tags == [id(1)])
        #expect(whole.detail == "d" && whole.name == "q")
        #expect(try queue.update(body: try body(["name": "q"])).isEmpty)
    }

    @Test func `a queue in use is not deleted, and its hash can be made anew`() throws {
        let queue = try queue()
        let refusal = #expect(throws: Refusal.self) { try queue.delete(usedBy: id(8)) }
        #expect(refusal?.reason == "STATE_INVALID")
        #expect(try queue.delete(usedBy: nil) == [.deleted])
        #expect(try self.queue([:], then: .deleted).delete(usedBy: nil).isEmpty)
        #expect(try self.queue([:], then: .directHashChanged("ab")).resource["direct_hash"] == "ab")
    }

    @Test func `every event survives its stored form, and so does the state`() throws {
        let state = try queue(
            ["name": "q", "tag_ids": [.id(id(1))], "wait_flow_id": .id(id(2)), "service_timeout": 7],
            then: .directHashChanged("ab"),
            .deleted
        )
        #expect(try Queue(json: try JSONValue(parsing: state.json.bytes)) == state)
        let events: [QueueEvent] = [
            .created(id: id(5), customer: id(3), settings: state.settings), .updated(settings: state.settings),
            .directHashChanged("x"), .deleted,
        ]
        for event in events {
            let stored = try JSONValue(parsing: event.json.bytes)
            #expect(try QueueEvent(type: event.type, schema: 1, json: stored) == event)
        }
    }
}
