import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct FlowRulesTests {
    private func actions(_ actions: JSONValue) throws -> [JSONValue] { try ActionList.read(actions) }

    private func problem(_ given: JSONValue) -> String {
        do {
            _ = try actions(given)
            return ""
        } catch {
            return (error as? Refusal)?.message ?? "\(error)"
        }
    }

    @Test func `a flow shows all its fields`() throws {
        let events = try Flow.create(
            id: id(5),
            customer: id(3),
            body: try body(["name": "f", "actions": [["type": "answer"]]])
        )
        let resource = try #require(given(Flow.self, events)).json
        #expect(
            resource.object?.members.map(\.name) == [
                "id", "customer_id", "type", "name", "detail", "actions", "on_complete_flow_id", "direct_hash",
                "tm_create", "tm_update", "tm_delete",
            ]
        )
        #expect(resource["type"] == "flow")
        #expect(
            resource["actions"] == [
                ["id": .id(.none), "next_id": .id(.none), "type": "answer", "option": [:]]
            ]
        )
    }

    @Test func `a wrong field is refused by name, and a flow does not follow itself`() throws {
        for (field, value) in [
            ("type", "fax"), ("actions", "talk"), ("on_complete_flow_id", "x"), ("on_complete_flow_id", .id(id(5))),
        ] as [(String, JSONValue)] {
            let refusal = #expect(throws: Refusal.self) {
                try Flow.create(id: id(5), customer: id(3), body: try body(.object([field: value])))
            }
            #expect(refusal?.message.hasPrefix(field) == true)
        }
        for kind in ["", "flow", "conference", "queue", "campaign", "transfer"] {
            let events = try Flow.create(id: id(5), customer: id(3), body: try body(["type": .string(kind)]))
            #expect(given(Flow.self, events)?.json["type"] == .string(kind))
        }
    }

    @Test func `the documents' action is accepted as it is written, with ids and without`() throws {
        let option: JSONValue = [
            "text":
                "Hello. This is outbound campaign's test calling. Please wait until the agent answer the call. Thank you.",
            "language": "en-US",
        ]
        let none: JSONValue = "00000000-0000-0000-0000-000000000000"
        let whole: JSONValue = ["id": none, "next_id": none, "type": "talk", "option": option]
        #expect(try actions([whole]) == [whole])
        #expect(try actions([["type": "talk", "option": option]]) == [whole])
    }

    @Test func `one action of each type is accepted`() throws {
        let next: JSONValue = .id(id(1))
        let samples: [(String, JSONValue)] = [
            ("answer", [:]), ("amd", ["machine_handle": "hangup", "async": true]), ("talk", ["text": "${name}"]),
            ("play", ["stream_urls": ["https://x/y.wav"]]), ("beep", [:]),
            ("digits_receive", ["duration": 5000, "key": "#", "length": 1]),
            ("digits_send", ["digits": "12", "duration": 100, "interval": 5000]),
            ("branch", ["default_target_id": next, "target_ids": ["1": next, "2": .id(ID(high: 0, low: 2))]]),
            ("goto", ["target_id": next, "loop_count": 2]),
            (
                "condition_variable",
                [
                    "condition": ">=", "variable": "${x}", "value_type": "number", "value_number": .double(1.5),
                    "false_target_id": next,
                ]
            ),
            (
                "condition_datetime",
                ["condition": "==", "minute": -1, "hour": 23, "weekdays": [0, 6], "false_target_id": next]
            ),
            ("condition_call_digits", ["length": 3, "false_target_id": next]),
            ("condition_call_status", ["status": "progressing", "false_target_id": next]),
            (
                "connect",
                [
                    "source": ["type": "tel", "target": "+15550000001"],
                    "destinations": [["type": "tel", "target": "${voipbin.call.source.target}"]], "anonymous": "auto",
                ]
            ),
            ("queue_join", ["queue_id": next]),
            (
                "call",
                ["destinations": ["+15550000001"], "actions": [["type": "talk", "option": ["text": "hi"]]]]
            ),
            ("conference_join", ["conference_id": next]), ("confbridge_join", ["confbridge_id": next]),
            ("hangup", ["reason": "busy"]), ("stop", [:]), ("sleep", ["duration": 100]),
            ("recording_start", ["format": "wav", "end_of_key": "#", "duration": 60, "beep_start": false]),
            ("recording_stop", [:]), ("transcribe_start", ["language": "en-US", "direction": "both"]),
            ("transcribe_recording", ["language": "en-US"]), ("transcribe_stop", [:]),
            ("message_send", ["destinations": ["+15550000001"], "text": "hi"]),
            ("email_send", ["destinations": ["a@b.c"], "subject": "s", "content": "", "attachments": [[:]]]),
            ("conversation_send", ["conversation_id": next, "text": "hi", "sync": false]),
            ("webhook_send", ["uri": "https://x", "method": "POST", "data": ["a": 1], "sync": true]),
            ("variable_set", ["key": "a", "value": ""]), ("fetch", ["event_url": "https://x"]),
            ("fetch_flow", ["flow_id": next]), ("ai_talk", ["assistance_type": "ai", "assistance_id": next]),
            ("ai_task", ["ai_id": next]), ("ai_summary", ["reference_type": "call", "reference_id": next]),
            ("case_create", ["name": "n"]), ("external_media_start", ["external_host": "x:1"]),
            ("external_media_stop", [:]), ("mute", [:]), ("block", [:]), ("empty", [:]), ("echo", ["duration": 1]),
            ("stream_echo", [:]),
        ]
        for (type, option) in samples {
            let given: JSONValue = [["id": next, "type": .string(type), "option": option]]
            #expect(problem(given) == "", "\(type)")
        }
        #expect(samples.count == 44)
    }

    @Test(
        arguments: [
            (["type": "dance"], "actions[1].type must be a known type of action, not \"dance\""),
            ([:], "actions[1].type must be the name"), (5, "actions[1] must be an object"),
            (["type": "queue_join"], "actions[1].option.queue_id is missing"),
            (["type": "queue_join", "option": ["queue_id": "x"]], "actions[1].option.queue_id must be a UUID"),
            (["type": "queue_join", "option": 5], "actions[1].option must be an object"),
            (["type": "talk", "option": ["text": ""]], "actions[1].option.text must not be empty"),
            (["type": "talk", "option": ["text": 5]], "actions[1].option.text must be a string"),
            (
                ["type": "talk", "option": ["text": "x", "provider": "acme"]],
                "actions[1].option.provider must be one of gcp, aws"
            ),
            (["type": "amd", "option": ["async": "yes"]], "actions[1].option.async must be true or false"),
            (["type": "play", "option": ["stream_urls": []]], "actions[1].option.stream_urls must not be empty"),
            (
                ["type": "digits_send", "option": ["digits": "1", "duration": 99]],
                "actions[1].option.duration must be from 100 to 1000, not 99"
            ),
            (
                ["type": "goto", "option": ["target_id": "01900000-0000-7000-8000-000000000099"]],
                "actions[1].option.target_id must be the id of an action of the same list"
            ),
            (
                ["type": "branch", "option": ["target_ids": ["1": "01900000-0000-7000-8000-000000000099"]]],
                "actions[1].option.target_ids.1 must be the id"
            ),
            (
                [
                    "type": "condition_call_status",
                    "option": ["status": "hangup", "false_target_id": "01900000-0000-7000-8000-000000000099"],
                ], "actions[1].option.false_target_id must be the id"
            ),
            (
                ["type": "connect", "option": ["destinations": ["+15550000001", "5"]]],
                "actions[1].option.destinations[1].target"
            ), (["type": "connect", "option": ["destinations": [[:]]]], "actions[1].option.destinations[0].target"),
            (
                [
                    "type": "call",
                    "option": ["destinations": ["+15550000001"], "actions": [["type": "queue_join"]]],
                ], "actions[1].option.actions[0].option.queue_id is missing"
            ), (["type": "answer", "id": "x"], "actions[1].id must be a UUID"),
            (["type": "answer", "id": "01900000-0000-7000-8000-000000000001"], "actions[1].id is the id of another"),
            (["type": "answer", "next_id": "01900000-0000-7000-8000-000000000099"], "actions[1].next_id must be"),
            (["type": "ai_talk"], "actions[1].option must hold assistance_id or ai_id"),
            (
                ["type": "condition_datetime", "option": ["condition": "<>", "false_target_id": "x"]],
                "actions[1].option.condition must be one of"
            ),
        ] as [(JSONValue, String)]
    )
    func `a wrong action is refused with its place`(_ action: JSONValue, _ message: String) {
        let first: JSONValue = ["id": "01900000-0000-7000-8000-000000000001", "type": "answer"]
        #expect(problem([first, action]).hasPrefix(message), "\(problem([first, action]))")
    }

    @Test func `jumps go to actions of the list and to the reserved ones`() throws {
        let target: JSONValue = .id(id(1))
        let jump: JSONValue = ["type": "goto", "option": ["target_id": target]]
        #expect(problem([jump]) != "")
        #expect(problem([jump, ["id": target, "type": "answer"]]) == "")
        for reserved in 0...3 as ClosedRange<UInt64> {
            #expect(problem([["type": "goto", "option": ["target_id": .id(ID(high: 0, low: reserved))]]]) == "")
        }
        // An inner list is one of its own.
        let inner: JSONValue = ["type": "call", "option": ["destinations": ["+15550000001"], "actions": [jump]]]
        #expect(problem([["id": target, "type": "answer"], inner]).hasPrefix("actions[1].option.actions[0].option"))
    }

    @Test func `there are at most a thousand actions, inner ones included, 32 levels deep`() throws {
        let one: JSONValue = ["type": "answer"]
        #expect(problem(.array(Array(repeating: one, count: 1000))) == "")
        #expect(problem(.array(Array(repeating: one, count: 1001))).hasPrefix("actions must be at most 1000"))
        let call: JSONValue = ["type": "call", "option": ["destinations": ["+15550000001"], "actions": [one, one]]]
        #expect(problem(.array(Array(repeating: call, count: 333))) == "")
        #expect(problem(.array(Array(repeating: call, count: 334))).contains("at most 1000"))
        let long: JSONValue = [
            "type": "call",
            "option": ["destinations": ["+15550100001"], "actions": .array(Array(repeating: one, count: 501))],
        ]
        #expect(problem([long]).hasPrefix("actions[0].option.actions must be at most 500"))
        var deep: JSONValue = 1
        for _ in 0..<31 { deep = [deep] }
        #expect(problem([["type": "webhook_send", "option": ["uri": "x", "data": deep]]]) == "")
        #expect(problem([["type": "webhook_send", "option": ["uri": "x", "data": [deep]]]]).contains("deeper"))
    }

    @Test func `campaigns check their actions the same way`() throws {
        let refusal = #expect(throws: Refusal.self) {
            try Campaign.create(id: id(1), customer: id(3), body: try body(["actions": [["type": "queue_join"]]]))
        }
        #expect(refusal?.message == "actions[0].option.queue_id is missing")
    }

    @Test func `a flow in use is not deleted`() throws {
        let events = try Flow.create(id: id(5), customer: id(3), body: try body([:]))
        let flow = try #require(given(Flow.self, events))
        #expect(throws: Refusal.self) { try flow.delete(usedBy: id(9)) }
        #expect(try flow.delete(usedBy: nil) == [.deleted])
        #expect(try flow.update(body: try body([:])).isEmpty)
    }

    @Test func `every event survives its stored form, and so does the state`() throws {
        let created = try Flow.create(
            id: id(5),
            customer: id(3),
            body: try body([
                "name": "f", "type": "", "actions": [["type": "answer"]], "on_complete_flow_id": .id(id(6)),
            ])
        )
        let state = try #require(given(Flow.self, created + [.deleted]))
        #expect(try Flow(json: try JSONValue(parsing: state.json.bytes)) == state)
        for event in created + [.updated(settings: state.settings), .deleted] {
            let stored = try JSONValue(parsing: event.json.bytes)
            #expect(try FlowEvent(type: event.type, schema: 1, json: stored) == event)
        }
    }
}
