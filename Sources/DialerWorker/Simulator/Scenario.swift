package import Contracts

/// How the simulated carrier and people behave; made from a scenario file, or the defaults without one.
///
/// The file is read by ``init(json:)``. An override that matches a number comes first, then the magic numbers, then
/// the defaults.
package struct Scenario: Hashable, Sendable {
    /// What the network or the person does with a call.
    package enum Outcome: String, Sendable, CaseIterable {
        case answer, busy
        case noAnswer = "no_answer"
        case failed, machine
    }

    /// A length of time drawn evenly between two, both included.
    package struct Span: Hashable, Sendable {
        package var minimum: Milliseconds
        package var maximum: Milliseconds

        package init(_ minimum: Milliseconds, _ maximum: Milliseconds) {
            self.minimum = minimum
            self.maximum = maximum
        }
    }

    /// The keys that somebody may press, each with its probability; at most one is pressed in a call.
    package struct Keys: Hashable, Sendable {
        package var choices: [Choice]

        package struct Choice: Hashable, Sendable {
            package var digits: String
            package var probability: Double

            package init(_ digits: String, _ probability: Double) {
                self.digits = digits
                self.probability = probability
            }
        }

        package init(_ choices: [Choice]) { self.choices = choices }
    }

    /// What happens to numbers that no override and no magic number decides.
    package struct Defaults: Hashable, Sendable {
        /// In the order of ``Outcome``; they sum to 1.
        package var probabilities: [Double] = [0.5, 0.15, 0.25, 0.05, 0.05]
        package var ring = Span(2000, 12_000)
        package var talk = Span(5000, 40_000)
        package var patience = Span(20_000, 60_000)
        package var keys = Keys([Keys.Choice("1", 0.3)])

        package init() {}
    }

    /// What happens to the numbers of a pattern; what is nil is decided as without the override.
    package struct Override: Hashable, Sendable {
        /// A number in which `*` stands for any characters, none included.
        package var number: String
        /// Only on this try of the destination.
        package var onTry: Int?
        package var outcome: Outcome?
        package var ring: Span?
        package var talk: Span?
        package var patience: Span?
        package var keys: Keys?

        package init(number: String) { self.number = number }

        package func matches(number: String, tryCount: Int) -> Bool {
            (onTry == nil || onTry == tryCount) && Pattern.matches(self.number, number)
        }
    }

    /// What agents do who are rung for callers.
    package struct Agents: Hashable, Sendable {
        /// The share of rings that are answered; the others ring in vain.
        package var answer = 1.0
        package var ring = Span(1000, 4000)
        package var talk = Span(20_000, 120_000)
        package var overrides: [AgentOverride] = []

        package init() {}
    }

    /// What the agents of a pattern do; what is nil is decided as without the override.
    package struct AgentOverride: Hashable, Sendable {
        /// An address of theirs, or the agent's id when they have none, in which `*` stands for any characters.
        package var address: String
        package var state: AgentLegReport.State?
        package var ring: Span?
        package var talk: Span?

        package init(address: String) { self.address = address }
    }

    package var seed: Int64 = 1
    /// Multiplies every time that the provider keeps: 0.01 makes a minute 600 ms.
    package var timeScale: Double = 1
    package var usesMagicNumbers = true
    package var defaults = Defaults()
    package var overrides: [Override] = []
    package var agents = Agents()

    package init() {}

    /// `time` as the simulator keeps it, in microseconds.
    package func scaled(_ time: Milliseconds) -> Int64 {
        Int64((Double(time.count) * 1000 * timeScale).rounded())
    }
}

/// Matching of numbers against patterns with `*`.
enum Pattern {
    static func matches(_ pattern: String, _ text: String) -> Bool {
        let pattern = Array(pattern.utf8)
        let text = Array(text.utf8)
        var patternIndex = 0
        var textIndex = 0
        // Where to go on after the last star when what follows it does not fit.
        var retry: (pattern: Int, text: Int)?
        while textIndex < text.count {
            if patternIndex < pattern.count, pattern[patternIndex] == UInt8(ascii: "*") {
                retry = (patternIndex + 1, textIndex)
                patternIndex += 1
            } else if patternIndex < pattern.count, pattern[patternIndex] == text[textIndex] {
                patternIndex += 1
                textIndex += 1
            } else if let last = retry {
                retry = (last.pattern, last.text + 1)
                patternIndex = last.pattern
                textIndex = last.text + 1
            } else {
                return false
            }
        }
        return pattern[patternIndex...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
