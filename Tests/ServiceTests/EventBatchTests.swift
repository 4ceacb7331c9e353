import AMQP
import Contracts
import EventLog
import TestSupport
import Testing

@testable import Service

@Suite struct EventBatchTests {
    private func event(_ type: String, _ object: UInt64, _ sequence: Int64, text: String = "") -> PublishedEvent {
        PublishedEvent(
            id: id(1000 + UInt64(sequence)),
            source: "test",
            type: type,
            subject: id(object),
            time: moment(1),
            customer: id(3),
            sequence: sequence,
            correlation: id(4),
            causation: nil,
            object: ["id": .id(id(object)), "text": .string(text), "tm_create": .time(moment(0)), "tm_update": .null]
        )
    }

    private func types(_ batch: consuming EventBatch) throws -> [[String]] {
        try batch.messages().map { message in
            let json = try JSONValue(parsing: message.body)
            return (json.array ?? [json]).map { "\($0["type"].string ?? "")/\($0["sequence"].string ?? "")" }
        }
    }

    @Test func oneEventIsADocumentWithTimesAsText() throws {
        var batch = EventBatch(exchange: "events")
        batch.add(event("memo_created", 1, 7), isFrequent: false)
        let message = try #require(batch.messages().first)
        #expect(message.exchange == "events")
        #expect(message.routingKey == "memo_created")
        #expect(message.contentType == "application/cloudevents+json")
        #expect(message.messageID == id(1007).description)
        #expect(message.mandatory)
        #expect(message.persistent)
        let expected: JSONValue = [
            "specversion": "1.0", "id": .id(id(1007)), "source": "test", "type": "memo_created",
            "subject": .id(id(1)), "time": "2026-01-01T00:00:01.000000Z", "customerid": .id(id(3)), "sequence": "7",
            "correlationid": .id(id(4)), "causationid": .null, "datacontenttype": "application/json",
            "data": [
                "id": .id(id(1)), "text": "", "tm_create": "2026-01-01T00:00:00.000000Z", "tm_update": .null,
                "customer_id": .id(id(3)),
            ],
        ]
        #expect(try JSONValue(parsing: message.body) == expected)
    }

    @Test func frequentEventsOfOneTypeShareAMessageAndThoseOfOneObjectKeepTheirOrder() throws {
        var batch = EventBatch(exchange: "events")
        for (index, object) in [1, 2, 3].enumerated() {
            batch.add(event("call_created", UInt64(object), Int64(index * 2 + 1)), isFrequent: true)
            batch.add(event("call_updated", UInt64(object), Int64(index * 2 + 2)), isFrequent: true)
        }
        // Its creation may not be told after its change, nor a second creation before it.
        batch.add(event("call_created", 1, 7), isFrequent: true)
        batch.add(event("call_created", 4, 8), isFrequent: true)
        #expect(
            try types(batch) == [
                ["call_created/1", "call_created/3", "call_created/5"],
                ["call_updated/2", "call_updated/4", "call_updated/6"], ["call_created/7", "call_created/8"],
            ]
        )
    }

    @Test func nothingMovesPastAnEventThatIsNotFrequent() throws {
        var batch = EventBatch(exchange: "events")
        batch.add(event("call_updated", 1, 1), isFrequent: true)
        batch.add(event("campaign_updated", 9, 2), isFrequent: false)
        batch.add(event("campaign_updated", 8, 3), isFrequent: false)
        batch.add(event("call_updated", 2, 4), isFrequent: true)
        batch.add(event("campaign_updated", 9, 5), isFrequent: false)
        #expect(
            try types(batch) == [
                ["call_updated/1"], ["campaign_updated/2", "campaign_updated/3"], ["call_updated/4"],
                ["campaign_updated/5"],
            ]
        )
    }

    @Test func messagesStaySmall() throws {
        var batch = EventBatch(exchange: "events")
        for index in 1...250 { batch.add(event("call_updated", UInt64(index), Int64(index)), isFrequent: true) }
        #expect(try types(batch).map(\.count) == [100, 100, 50])
        var large = EventBatch(exchange: "events")
        let text = String(repeating: "x", count: 100_000)
        for index in 1...9 { large.add(event("call_updated", 1, Int64(index), text: text), isFrequent: true) }
        #expect(try types(large).map(\.count) == [3, 3, 3])
    }

    /// The order of each object's events stays whatever the mix; seeds are printed with a failure.
    @Test(arguments: 1...20) func theOrderOfEveryObjectIsKept(_ seed: UInt64) throws {
        var state = seed
        func next(_ limit: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % limit
        }
        let names = ["call_created", "call_updated", "target_updated", "campaign_updated"]
        var batch = EventBatch(exchange: "events")
        for sequence in 1...400 {
            let name = names[Int(next(4))]
            let object = (name.hasPrefix("call") ? 100 : name.hasPrefix("target") ? 200 : 300) + next(20)
            batch.add(event(name, object, Int64(sequence)), isFrequent: !name.hasPrefix("campaign"))
        }
        var last: [String: Int64] = [:]
        var count = 0
        for message in batch.messages() {
            let json = try JSONValue(parsing: message.body)
            for event in json.array ?? [json] {
                let (subject, sequence) = (event["subject"].string ?? "", Int64(event["sequence"].string ?? "") ?? 0)
                #expect(sequence > last[subject] ?? 0, "seed \(seed)")
                #expect(event["type"].string == message.routingKey)
                last[subject] = sequence
                count += 1
            }
        }
        #expect(count == 400)
    }

    @Test func aStoredTypeIsToldByItsPublicName() {
        let category = Note.published()
        #expect(category.publicType(of: "note_created") == "memo_created")
        #expect(category.publicType(of: "note_changed") == "memo_updated")
        #expect(category.publicType(of: "note_anything_new") == "memo_updated")
        #expect(category.publicType(of: "note_renamed") == "memo_title_updated")
        #expect(category.publicType(of: "note_deleted") == "memo_deleted")
        #expect(category.publicType(of: "note_counted") == nil)
        #expect(category.publicType(of: "notebook_created") == nil)
    }
}
