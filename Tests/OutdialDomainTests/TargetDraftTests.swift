import Contracts
import OutdialDomain
import TestSupport
import Testing

@Suite struct TargetDraftTests {
    func refusal(_ json: JSONValue) throws -> Refusal? {
        let body = try body(json)
        return #expect(throws: Refusal.self) { try TargetDraft(body: body) }
    }

    @Test func `null, empty and target-less destinations are all no destination`() throws {
        let draft = try TargetDraft(
            body: try body([
                "destination_0": .null, "destination_1": [:], "destination_2": ["target": ""],
                "destination_3": ["target": "+15559876543"], "data": "",
            ])
        )
        #expect(draft.destinations == [nil, nil, nil, tel("+15559876543"), nil])
        #expect(draft.priority == 5)
    }

    @Test func `the type of a destination is inferred`() throws {
        let draft = try TargetDraft(
            body: try body([
                "destination_0": ["target": "sip:a@example.org"], "destination_1": ["target": "a@example.org"],
            ])
        )
        #expect(draft.destinations[0]?.type == "sip")
        #expect(draft.destinations[1]?.type == "email")
    }

    @Test(arguments: ["5551234567", "+0123456789", "+123456", "+1234567890123456", "+1555abc4567"])
    func `an impossible number is refused and the field is named`(_ number: String) throws {
        let refusal = try refusal(["destination_0": ["type": "tel", "target": .string(number)]])
        #expect(refusal?.message.contains("destination_0.target") == true)
        #expect(refusal?.status == .invalidArgument)
    }

    @Test func `a target without any destination is refused`() throws {
        #expect(try refusal(["name": "nobody"])?.message.contains("destination_0") == true)
    }

    @Test func `a priority out of range is refused`() throws {
        let refusal = try refusal(["destination_0": ["target": "+15559876543"], "priority": 10])
        #expect(refusal?.message == "priority must be from 0 to 9, not 10")
    }

    @Test func `other columns of a row become variables`() throws {
        let draft = try TargetDraft(
            row: ["name": "Ann", "destination_0": " +15550100001 ", "priority": "2", "city": "Oslo", "code": "7"]
        )
        #expect(draft.destinations[0] == tel("+15550100001"))
        #expect(draft.priority == 2)
        #expect(draft.variables == [.init(name: "city", value: "Oslo"), .init(name: "code", value: "7")])
    }

    @Test func `a bad row names its column`() {
        let number = #expect(throws: TargetDraft.RowError.self) {
            try TargetDraft(row: ["destination_0": "+15550100001", "destination_1": "12"])
        }
        #expect(number?.column == "destination_1")
        let missing = #expect(throws: TargetDraft.RowError.self) { try TargetDraft(row: ["name": "x"]) }
        #expect(missing?.column == "destination_0")
    }
}
