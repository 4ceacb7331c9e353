package import Contracts

/// What is wrong with a scenario; the message begins with the key.
package struct ScenarioError: Error, Hashable, Sendable, CustomStringConvertible {
    package var key: String
    package var problem: String

    package var description: String { key.isEmpty ? problem : "\(key) \(problem)" }
}

extension Scenario {
    /// Reads a scenario document. What is absent has its default; of the five probabilities, those that are not given
    /// are 0 when the given ones sum to 1, and else keep their defaults.
    ///
    /// - Throws: for an unknown key anywhere, a value of the wrong type or out of its range, and probabilities that do
    ///   not sum to 1; the error names the key.
    package init(json: JSONValue) throws(ScenarioError) {
        self.init()
        let section = try Section(json, path: "")
        try section.allow(["seed", "time_scale", "magic_numbers", "defaults", "overrides", "agents"])
        seed = try section.integer("seed", in: Int64.min...Int64.max) ?? seed
        timeScale = try section.number("time_scale", in: 0...1000) ?? timeScale
        usesMagicNumbers = try section.bool("magic_numbers") ?? usesMagicNumbers
        if let part = try section.section("defaults") { defaults = try Defaults(part) }
        for (index, entry) in try section.array("overrides").enumerated() {
            overrides.append(try Override(try Section(entry, path: "overrides[\(index)]")))
        }
        if let part = try section.section("agents") { agents = try Agents(part) }
    }
}

extension Scenario.Defaults {
    fileprivate init(_ section: Section) throws(ScenarioError) {
        self.init()
        let outcomes = Scenario.Outcome.allCases
        try section.allow(outcomes.map(\.rawValue) + ["ring_ms", "talk_ms", "patience_ms", "digits"])
        var given: [Double?] = []
        for outcome in outcomes { given.append(try section.number(outcome.rawValue, in: 0...1)) }
        if given.contains(where: { $0 != nil }) {
            let exact = given.map { $0 ?? 0 }
            let filled = zip(given, probabilities).map { $0 ?? $1 }
            guard let chosen = [exact, filled].first(where: { abs($0.reduce(0, +) - 1) < 1e-6 }) else {
                throw section.wrong(
                    outcomes.map(\.rawValue).joined(separator: ", "),
                    "must sum to 1, and sum to \(exact.reduce(0, +))"
                )
            }
            probabilities = chosen
        }
        ring = try section.span("ring_ms") ?? ring
        talk = try section.span("talk_ms") ?? talk
        patience = try section.span("patience_ms") ?? patience
        keys = try section.keys("digits") ?? keys
    }
}

extension Scenario.Override {
    fileprivate init(_ section: Section) throws(ScenarioError) {
        try section.allow(["number", "on_try", "outcome", "ring_ms", "talk_ms", "patience_ms", "digits"])
        guard let number = try section.string("number"), !number.isEmpty else {
            throw section.wrong("number", "must be a number, in which * stands for any digits")
        }
        self.init(number: number)
        onTry = try section.integer("on_try", in: 1...1_000_000).map { Int($0) }
        if let text = try section.string("outcome") {
            guard let outcome = Scenario.Outcome(rawValue: text) else {
                let known = Scenario.Outcome.allCases.map(\.rawValue).joined(separator: ", ")
                throw section.wrong("outcome", "must be one of \(known)")
            }
            self.outcome = outcome
        }
        ring = try section.span("ring_ms")
        talk = try section.span("talk_ms")
        patience = try section.span("patience_ms")
        keys = try section.keys("digits")
    }
}

extension Scenario.Agents {
    fileprivate init(_ section: Section) throws(ScenarioError) {
        self.init()
        try section.allow(["answer", "ring_ms", "talk_ms", "overrides"])
        answer = try section.number("answer", in: 0...1) ?? answer
        ring = try section.span("ring_ms") ?? ring
        talk = try section.span("talk_ms") ?? talk
        for (index, entry) in try section.array("overrides").enumerated() {
            overrides.append(
                try Scenario.AgentOverride(try Section(entry, path: "agents.overrides[\(index)]"))
            )
        }
    }
}

extension Scenario.AgentOverride {
    private static let outcomes: [String: AgentLegReport.State] = [
        "answer": .answered, "busy": .busy, "no_answer": .noAnswer, "failed": .failed,
    ]

    fileprivate init(_ section: Section) throws(ScenarioError) {
        try section.allow(["address", "outcome", "ring_ms", "talk_ms"])
        guard let address = try section.string("address"), !address.isEmpty else {
            throw section.wrong("address", "must be an address of agents, in which * stands for any characters")
        }
        self.init(address: address)
        if let text = try section.string("outcome") {
            guard let state = Scenario.AgentOverride.outcomes[text] else {
                throw section.wrong("outcome", "must be one of answer, busy, no_answer, failed")
            }
            self.state = state
        }
        ring = try section.span("ring_ms")
        talk = try section.span("talk_ms")
    }
}

/// An object of the document with the path that leads to it.
private struct Section {
    let members: JSONObject
    let path: String

    init(_ json: JSONValue, path: String) throws(ScenarioError) {
        guard let members = json.object else {
            throw ScenarioError(key: path, problem: path.isEmpty ? "it must be a JSON object" : "must be an object")
        }
        self.members = members
        self.path = path
    }

    func wrong(_ key: String, _ problem: String) -> ScenarioError {
        ScenarioError(key: path.isEmpty ? key : "\(path).\(key)", problem: problem)
    }

    func allow(_ known: [String]) throws(ScenarioError) {
        for member in members.members where !known.contains(member.name) {
            throw wrong(member.name, "is not a key of a scenario (known here: \(known.joined(separator: ", ")))")
        }
    }

    func section(_ key: String) throws(ScenarioError) -> Section? {
        guard members.contains(key) else { return nil }
        return try Section(members[key], path: path.isEmpty ? key : "\(path).\(key)")
    }

    func array(_ key: String) throws(ScenarioError) -> [JSONValue] {
        guard members.contains(key) else { return [] }
        guard let values = members[key].array else { throw wrong(key, "must be an array of objects") }
        return values
    }

    func integer(_ key: String, in range: ClosedRange<Int64>) throws(ScenarioError) -> Int64? {
        guard members.contains(key) else { return nil }
        guard let value = members[key].integer, range.contains(value) else {
            let limits = range.lowerBound == .min ? "" : " from \(range.lowerBound) to \(range.upperBound)"
            throw wrong(key, "must be a whole number\(limits)")
        }
        return value
    }

    func number(_ key: String, in range: ClosedRange<Double>) throws(ScenarioError) -> Double? {
        guard members.contains(key) else { return nil }
        guard let value = members[key].double, range.contains(value) else {
            throw wrong(key, "must be a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))")
        }
        return value
    }

    func bool(_ key: String) throws(ScenarioError) -> Bool? {
        guard members.contains(key) else { return nil }
        guard let value = members[key].bool else { throw wrong(key, "must be true or false") }
        return value
    }

    func string(_ key: String) throws(ScenarioError) -> String? {
        guard members.contains(key) else { return nil }
        guard let value = members[key].string else { throw wrong(key, "must be a string") }
        return value
    }

    /// `{"min": …, "max": …}` in milliseconds, up to a day.
    func span(_ key: String) throws(ScenarioError) -> Scenario.Span? {
        guard let part = try section(key) else { return nil }
        try part.allow(["min", "max"])
        let limits: ClosedRange<Int64> = 0...86_400_000
        guard let minimum = try part.integer("min", in: limits) else { throw part.wrong("min", "is missing") }
        guard let maximum = try part.integer("max", in: limits) else { throw part.wrong("max", "is missing") }
        guard minimum <= maximum else { throw part.wrong("max", "must not be less than min") }
        return Scenario.Span(Milliseconds(minimum), Milliseconds(maximum))
    }

    /// `{"1": 0.3, "9": 0.1}`, or `"1"` for what is pressed in every call.
    func keys(_ key: String) throws(ScenarioError) -> Scenario.Keys? {
        if let text = members[key].string {
            guard Section.areKeys(text) || text.isEmpty else { throw wrong(key, "must be keys of 0-9, * and #") }
            return Scenario.Keys(text.isEmpty ? [] : [Scenario.Keys.Choice(text, 1)])
        }
        guard let part = try section(key) else { return nil }
        var choices: [Scenario.Keys.Choice] = []
        for member in part.members.members {
            guard Section.areKeys(member.name) else {
                throw part.wrong(member.name, "must be one to 32 keys of 0-9, * and #")
            }
            choices.append(Scenario.Keys.Choice(member.name, try part.number(member.name, in: 0...1) ?? 0))
        }
        guard choices.reduce(0, { $0 + $1.probability }) <= 1 + 1e-6 else {
            throw wrong(key, "must not sum to more than 1")
        }
        return Scenario.Keys(choices)
    }

    private static func areKeys(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) || $0 == 42 || $0 == 35 }
    }
}
