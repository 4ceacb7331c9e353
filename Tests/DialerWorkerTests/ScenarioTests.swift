import Contracts
import DialerWorker
import Testing

@Suite("A scenario file")
struct ScenarioTests {
    private func read(_ text: String) throws -> Scenario {
        try Scenario(json: try JSONValue(parsing: Array(text.utf8)))
    }

    @Test("may be empty: everything has its default")
    func empty() throws {
        #expect(try read("{}") == Scenario())
    }

    @Test("that spells out the defaults is the same as none")
    func defaultsSpelledOut() throws {
        let text = """
            {"seed": 1, "time_scale": 1, "magic_numbers": true,
             "defaults": {"answer": 0.5, "busy": 0.15, "no_answer": 0.25, "failed": 0.05, "machine": 0.05,
              "ring_ms": {"min": 2000, "max": 12000}, "talk_ms": {"min": 5000, "max": 40000},
              "patience_ms": {"min": 20000, "max": 60000}, "digits": {"1": 0.3}},
             "overrides": []}
            """
        #expect(try read(text) == Scenario())
    }

    @Test("reads overrides")
    func overrides() throws {
        let scenario = try read(
            """
            {"overrides": [{"number": "+1555*", "outcome": "busy", "on_try": 1, "ring_ms": {"min": 0, "max": 0}},
                           {"number": "*7", "digits": "12#"}]}
            """
        )
        var busy = Scenario.Override(number: "+1555*")
        busy.outcome = .busy
        busy.onTry = 1
        busy.ring = Scenario.Span(0, 0)
        var keys = Scenario.Override(number: "*7")
        keys.keys = Scenario.Keys([Scenario.Keys.Choice("12#", 1)])
        #expect(scenario.overrides == [busy, keys])
    }

    @Test(
        "may name only some probabilities",
        arguments: [
            (#"{"defaults": {"answer": 1}}"#, [1, 0, 0, 0, 0]),
            (#"{"defaults": {"answer": 0.6, "busy": 0.05}}"#, [0.6, 0.05, 0.25, 0.05, 0.05]),
        ]
    )
    func partialProbabilities(text: String, expected: [Double]) throws {
        #expect(try read(text).defaults.probabilities == expected)
    }

    @Test(
        "is refused with the name of the key that is wrong",
        arguments: [
            (#"{"sead": 1}"#, "sead"),
            (#"{"seed": 1.5}"#, "seed"),
            (#"{"time_scale": -1}"#, "time_scale"),
            (#"{"time_scale": 1001}"#, "time_scale"),
            (#"{"magic_numbers": 1}"#, "magic_numbers"),
            (#"{"defaults": []}"#, "defaults"),
            (#"{"defaults": {"anser": 1}}"#, "defaults.anser"),
            (#"{"defaults": {"answer": 1.1}}"#, "defaults.answer"),
            (#"{"defaults": {"answer": 0.9}}"#, "defaults.answer, busy, no_answer, failed, machine"),
            (#"{"defaults": {"ring_ms": 5}}"#, "defaults.ring_ms"),
            (#"{"defaults": {"ring_ms": {"min": 5}}}"#, "defaults.ring_ms.max"),
            (#"{"defaults": {"ring_ms": {"min": 5, "max": 4}}}"#, "defaults.ring_ms.max"),
            (#"{"defaults": {"talk_ms": {"min": -1, "max": 4}}}"#, "defaults.talk_ms.min"),
            (#"{"defaults": {"patience_ms": {"min": 1, "max": 4, "mean": 2}}}"#, "defaults.patience_ms.mean"),
            (#"{"defaults": {"digits": {"x": 0.5}}}"#, "defaults.digits.x"),
            (#"{"defaults": {"digits": {"1": 0.6, "2": 0.6}}}"#, "defaults.digits"),
            (#"{"overrides": {}}"#, "overrides"),
            (#"{"overrides": [7]}"#, "overrides[0]"),
            (#"{"overrides": [{"outcome": "busy"}]}"#, "overrides[0].number"),
            (#"{"overrides": [{"number": "*", "outcome": "bussy"}]}"#, "overrides[0].outcome"),
            (#"{"overrides": [{"number": "*"}, {"number": "*", "on_try": 0}]}"#, "overrides[1].on_try"),
            (#"{"overrides": [{"number": "*", "try": 1}]}"#, "overrides[0].try"),
        ]
    )
    func refused(text: String, key: String) throws {
        let error = try #require(throws: ScenarioError.self) { try read(text) }
        #expect(error.key == key)
        #expect(error.description.hasPrefix(key + " "))
    }

    @Test(
        "matches numbers with stars",
        arguments: [
            ("+15551230001", "+15551230001", true), ("+15551230001", "+15551230002", false), ("*", "+1", true),
            ("+1555*", "+15551230001", true), ("+1555*", "+1555", true), ("+1555*", "+1556", false),
            ("*0001", "+15551230001", true), ("+1*5*1", "+15551230001", true), ("+1*5*2", "+15551230001", false),
            ("*0*0*", "+100", true), ("", "+1", false),
        ]
    )
    func patterns(pattern: String, number: String, matches: Bool) {
        #expect(Scenario.Override(number: pattern).matches(number: number, tryCount: 1) == matches)
    }

    @Test("limits an override to its try")
    func onTry() {
        var override = Scenario.Override(number: "*")
        override.onTry = 2
        #expect(!override.matches(number: "+1", tryCount: 1))
        #expect(override.matches(number: "+1", tryCount: 2))
    }
}
