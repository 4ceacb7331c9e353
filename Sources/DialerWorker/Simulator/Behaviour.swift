import Contracts

/// What carrier and person do with one call, before the limits of the dial command apply.
struct Behaviour: Hashable, Sendable {
    var outcome: Scenario.Outcome
    var ring: Milliseconds
    var talk: Milliseconds
    var patience: Milliseconds
    var digits: String
    /// A busy that follows ringing: the person pressed "reject".
    var isRejected = false
    /// Whether they listen to a flow as long as it lasts; others hang up when it talks to them for longer than `talk`.
    var listensToTheEnd = false

    init(scenario: Scenario, number: String, tryCount: Int) {
        // Everything is drawn, in a fixed order, so that an override of one thing leaves the others as they were.
        var random = RandomSource(seed: Behaviour.hash(seed: scenario.seed, number: number, tryCount: tryCount))
        let defaults = scenario.defaults
        let override = scenario.overrides.first { $0.matches(number: number, tryCount: tryCount) }
        outcome = Behaviour.outcome(defaults.probabilities, &random)
        let ringDraw = random.next()
        let talkDraw = random.next()
        let patienceDraw = random.next()
        let digitsDraw = Behaviour.fraction(random.next())
        ring = Behaviour.length(defaults.ring, ringDraw)
        talk = Behaviour.length(defaults.talk, talkDraw)
        patience = Behaviour.length(override?.patience ?? defaults.patience, patienceDraw)
        digits = Behaviour.digits(defaults.keys, digitsDraw)
        // An override that says the outcome replaces the whole script of a magic number.
        if scenario.usesMagicNumbers, override?.outcome == nil { applyMagic(number: number, tryCount: tryCount) }
        guard let override else { return }
        outcome = override.outcome ?? outcome
        if let span = override.ring { ring = Behaviour.length(span, ringDraw) }
        if let span = override.talk {
            talk = Behaviour.length(span, talkDraw)
            listensToTheEnd = false
        }
        if let keys = override.keys { digits = Behaviour.digits(keys, digitsDraw) }
    }

    /// The scripts of numbers that end in `0001` to `0009`.
    private mutating func applyMagic(number: String, tryCount: Int) {
        switch number.suffix(4) {
        case "0001": script(.answer)
        case "0002": script(.busy)
        case "0003": script(.noAnswer)
        case "0004": script(.failed, ring: 0)
        case "0005": script(.machine)
        case "0006":
            script(.busy)
            isRejected = true
        case "0007": script(.answer, digits: "1")
        case "0008": script(.answer, ring: 10_000)
        case "0009": script(tryCount == 1 ? .busy : .answer)
        default: break
        }
    }

    private mutating func script(_ outcome: Scenario.Outcome, ring: Milliseconds = 1000, digits: String = "") {
        self.outcome = outcome
        self.ring = ring
        self.talk = 5000
        listensToTheEnd = true
        self.digits = digits
    }

    private static func outcome(_ probabilities: [Double], _ random: inout RandomSource) -> Scenario.Outcome {
        var rest = fraction(random.next())
        for (outcome, probability) in zip(Scenario.Outcome.allCases, probabilities) {
            if rest < probability { return outcome }
            rest -= probability
        }
        // Sums just below 1 leave a sliver: it belongs to the last outcome that can happen at all.
        return probabilities.lastIndex { $0 > 0 }.map { Scenario.Outcome.allCases[$0] } ?? .answer
    }

    private static func digits(_ keys: Scenario.Keys, _ draw: Double) -> String {
        var rest = draw
        for choice in keys.choices {
            if rest < choice.probability { return choice.digits }
            rest -= choice.probability
        }
        return ""
    }

    static func length(_ span: Scenario.Span, _ draw: UInt64) -> Milliseconds {
        let width = UInt64(span.maximum.count - span.minimum.count + 1)
        return span.minimum + Milliseconds(Int64(draw.multipliedFullWidth(by: width).high))
    }

    /// 53 random bits as a number from 0 up to, not including, 1.
    static func fraction(_ draw: UInt64) -> Double { Double(draw >> 11) * 0x1p-53 }

    /// What is drawn for `key`, as for a number.
    static func random(seed: Int64, key: String, tryCount: Int) -> RandomSource {
        RandomSource(seed: hash(seed: seed, number: key, tryCount: tryCount))
    }

    /// FNV-1a over the three; ``RandomSource`` does the mixing.
    private static func hash(seed: Int64, number: String, tryCount: Int) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        func add(_ word: UInt64) {
            for shift in stride(from: 0, to: 64, by: 8) { add(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
        }
        add(UInt64(bitPattern: seed))
        for byte in number.utf8 { add(byte) }
        add(UInt64(bitPattern: Int64(tryCount)))
        return hash
    }
}
