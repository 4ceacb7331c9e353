import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct OutplanRulesTests {
    func outplan(_ json: JSONValue) throws -> Outplan {
        try #require(given(Outplan.self, try Outplan.create(id: id(4), customer: id(3), body: try body(json))))
    }

    @Test func `defaults are 30 s, 10 min and one try each`() throws {
        let plan = try outplan([:])
        #expect(plan.settings.dialTimeout == 30_000)
        #expect(plan.settings.tryInterval == 600_000)
        #expect(plan.settings.maximumTries == [1, 1, 1, 1, 1])
    }

    @Test func `some counts given, the rest are 0; a bare count fills those that are absent`() throws {
        #expect(try outplan(["max_try_count_1": 3]).settings.maximumTries == [0, 3, 0, 0, 0])
        #expect(try outplan(["max_try_count": 2, "max_try_count_0": 5]).settings.maximumTries == [5, 2, 2, 2, 2])
    }

    @Test func `1 to 999 is read as seconds`() throws {
        let plan = try outplan(["dial_timeout": 30, "try_interval": 60])
        #expect(plan.settings.dialTimeout == 30_000)
        #expect(plan.settings.tryInterval == 60_000)
        #expect(plan.json["try_interval"] == 60_000)
        #expect(try outplan(["try_interval": 0]).settings.tryInterval == 0)
    }

    @Test(arguments: [("dial_timeout", 120_001), ("dial_timeout", 0), ("try_interval", -1), ("max_try_count_4", 101)])
    func `out of range is refused by name`(_ field: String, _ value: Int64) throws {
        let refusal = #expect(throws: Refusal.self) { try outplan(.object([field: .integer(value)])) }
        #expect(refusal?.message.hasPrefix(field) == true)
    }

    @Test func `an update keeps what is absent`() throws {
        let plan = try outplan(["max_try_count_0": 3, "name": "calm"])
        let events = try plan.update(body: try body(["max_try_count_1": 2]))
        let created = try Outplan.create(
            id: id(4),
            customer: id(3),
            body: try body(["max_try_count_0": 3, "name": "calm"])
        )
        let after = try #require(given(Outplan.self, created + events))
        #expect(after.settings.maximumTries == [3, 2, 0, 0, 0])
        #expect(after.settings.name == "calm")
        #expect(try after.update(body: try body([:])).isEmpty)
    }

    @Test func `windows and holidays are taken in several forms and shown in one`() throws {
        let plan = try outplan([
            "calling_windows": [["weekdays": [1, "tue", "Fri"], "from": "09:00", "to": "24:00"]],
            "holidays": ["2026-12-26", ["date": "2026-12-25", "name": "Christmas"], "2026-12-26"],
        ])
        #expect(
            plan.resource["calling_windows"] == [["weekdays": [1, 2, 5], "from": "09:00", "to": "24:00"]]
        )
        #expect(plan.resource["holidays"] == ["2026-12-25", "2026-12-26"])
        #expect(plan.plan.hours == plan.settings.hours)
        #expect(try Outplan(json: try JSONValue(parsing: plan.json.bytes)) == plan)
        let merged = try #require(
            given(
                Outplan.self,
                [.created(id: id(4), customer: id(3), settings: plan.settings)]
                    + plan.update(body: try body(["holidays": []]))
            )
        )
        #expect(merged.settings.hours.windows == plan.settings.hours.windows)
        #expect(merged.settings.hours.holidays.isEmpty)
        // Plans of earlier versions have none, and their stored form stays as it was.
        let without = try outplan([:])
        #expect(without.settings.hours.isAlways)
        #expect(without.json["holidays"].isNull)
        #expect(without.resource["holidays"] == [])
    }

    @Test(arguments: [
        (#"{"calling_windows":{}}"#, "calling_windows"),
        (#"{"calling_windows":["09:00"]}"#, "calling_windows[0]"),
        (#"{"calling_windows":[{"weekdays":[1],"from":"9:00","to":"17:00"}]}"#, "calling_windows[0].from"),
        (#"{"calling_windows":[{"weekdays":[1],"from":"24:00","to":"17:00"}]}"#, "calling_windows[0].from"),
        (#"{"calling_windows":[{"weekdays":[1],"from":"09:00","to":"09:00"}]}"#, "calling_windows[0].to"),
        (#"{"calling_windows":[{"weekdays":[],"from":"09:00","to":"17:00"}]}"#, "calling_windows[0].weekdays"),
        (#"{"calling_windows":[{"weekdays":[7],"from":"09:00","to":"17:00"}]}"#, "calling_windows[0].weekdays[0]"),
        (#"{"holidays":["2026-02-29"]}"#, "holidays[0]"), (#"{"holidays":"2026-12-25"}"#, "holidays"),
    ])
    func `a window that cannot be is refused by name`(_ document: String, _ field: String) throws {
        let refusal = #expect(throws: Refusal.self) { try outplan(try JSONValue(parsing: Array(document.utf8))) }
        #expect(refusal?.message.hasPrefix(field + " ") == true, "\(refusal?.message ?? "")")
    }

    @Test func `an outplan in use is not deleted`() throws {
        #expect(throws: Refusal.self) { try outplan([:]).delete(usedBy: id(1)) }
        #expect(try outplan([:]).delete(usedBy: nil) == [.deleted])
    }

    @Test func `it survives its stored form`() throws {
        let plan = try outplan(["source": "+15551230000", "max_try_count": 2])
        #expect(try Outplan(json: try JSONValue(parsing: plan.json.bytes)) == plan)
        let without = try outplan([:])
        #expect(try Outplan(json: try JSONValue(parsing: without.json.bytes)) == without)
    }
}
