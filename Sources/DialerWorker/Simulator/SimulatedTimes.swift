import Contracts

/// How long the simulated carrier, people and machines take for what flows do; times before the time scale.
enum SimulatedTimes {
    /// Somebody speaks about 16 characters a second.
    static let character: Milliseconds = 60
    static let shortestSpeech: Milliseconds = 500
    /// Nobody looks into the file.
    static let file: Milliseconds = 5000
    static let beep: Milliseconds = 500
    static let machineDetection: Milliseconds = 2000
    /// From the question to the key.
    static let thinking: Milliseconds = 1000
    /// How long others ring whom a flow calls.
    static let ringTimeout: Milliseconds = 30_000

    static func speech(_ text: String) -> Milliseconds {
        max(shortestSpeech, Milliseconds(Int64(text.unicodeScalars.count) * character.count))
    }
}

/// Which keys of somebody's `digits_receive` takes, and whether it is over with them.
struct CollectedDigits: Hashable {
    var digits: String
    var isComplete: Bool

    init(_ pressed: String, length: Int, terminators: String) {
        var digits = ""
        isComplete = false
        for key in pressed {
            if terminators.contains(key) {
                isComplete = true
                break
            }
            digits.append(key)
            if length > 0, digits.count >= length {
                isComplete = true
                break
            }
        }
        self.digits = digits
    }
}

/// What an agent does when they are rung.
struct AgentBehaviour: Hashable, Sendable {
    var state: AgentLegReport.State
    var ring: Milliseconds
    var talk: Milliseconds
    /// Whether the caller ends the talk, and the agent otherwise.
    var endsByCaller: Bool

    /// The same for the same agent, caller and try.
    init(_ scenario: Scenario, address: String, caller: String, tryCount: Int) {
        var random = Behaviour.random(seed: scenario.seed, key: "\(address) \(caller)", tryCount: tryCount)
        let agents = scenario.agents
        let override = agents.overrides.first { Pattern.matches($0.address, address) }
        let answers = Behaviour.fraction(random.next()) < agents.answer
        let ringDraw = random.next()
        let talkDraw = random.next()
        endsByCaller = Behaviour.fraction(random.next()) < 0.5
        state = override?.state ?? (answers ? .answered : .noAnswer)
        ring = Behaviour.length(override?.ring ?? agents.ring, ringDraw)
        talk = Behaviour.length(override?.talk ?? agents.talk, talkDraw)
    }
}
