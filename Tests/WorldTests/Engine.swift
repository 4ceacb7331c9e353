import CampaignDomain
import CampaignManager
import Contracts
import DialerWorker
import EventLog
import GRDB
import Service
import TestSupport

/// Another dialing engine with the carrier behind it. It takes each command once; its reports are repeated, shuffled and
/// lost on their way.
struct Engine {
    static let routes = EngineRoutes(
        routes: [EngineRoute(name: "acme", channels: 5, users: ["acme-engine"])],
        startWithin: 20_000
    )
    /// Stands for it where workers have their index.
    static let index = -1

    var calls: SimulatedCalls
    var reports: [CallReport] = []
    /// Every command that campaign-manager has handed over.
    var commands: [ID: DialCommand] = [:]

    init(scenario: Scenario) { calls = SimulatedCalls(scenario: scenario) }

    mutating func place(_ dial: DialCommand, at now: Timestamp) {
        calls.place(dial, at: now.microseconds, reports: &reports)
    }

    /// Has the carrier do what is due; answers with what it says.
    mutating func advance(to now: Timestamp) -> [CallReport] {
        defer { reports = [] }
        calls.advance(to: now.microseconds, reports: &reports)
        return reports
    }
}

extension World {
    // MARK: - Commands

    /// Publishes a command, this once: the broker has it, has it without saying so, or does not have it.
    func publish(_ command: EngineCommand) {
        let dial = command.command
        if engine.commands.updateValue(dial, forKey: dial.attempt) != nil {
            carrier.problems.append("attempt \(dial.attempt) was commanded twice")
        }
        let loss = strikes(profile.losses) ? draw(4) : 4
        // The process may also die before it publishes, and nobody says anything.
        if loss < 3 {
            let failure = EngineCommand.Failure.self
            let known = loss == 0 ? failure.notSent : failure.unconfirmed
            let input = CampaignInput.commandFailed(attempt: dial.attempt, known)
            pending.append(Pending(due: later(1...9_000), what: .answer([input], generation: campaigns.generation)))
        }
        guard loss == 2 || loss == 4 else { return }
        pending.append(Pending(due: later(0...(isCruel ? 25_000 : 100)), what: .engineTakes(dial)))
    }

    func engineTakes(_ dial: DialCommand) {
        guard now < dial.startBy else { return giveBack(dial, because: "expired") }
        switch isCruel ? draw(10) : 9 {
        case 0: giveBack(dial, because: "rejected")
        case 1: report(.hangup, of: dial, reason: .notDialed, by: "system")
        case 2: giveBack(dial, because: "delivery_limit")
        case 3:
            place(dial)
            giveBack(dial, because: "delivery_limit")
        default: place(dial)
        }
    }

    private func place(_ dial: DialCommand) {
        carrier.place(dial, by: Engine.index, channels: .max, at: now)
        engine.place(dial, at: now)
        advanceEngine()
    }

    private func giveBack(_ dial: DialCommand, because reason: String) {
        let input = CampaignInput.undelivered(attempt: dial.attempt, reason: reason, acknowledge: {})
        for _ in 0..<(1 + draw(isCruel ? 2 : 1)) {
            pending.append(Pending(due: later(0...(isCruel ? 5_000 : 10)), what: .told([input])))
        }
    }

    // MARK: - Reports

    func advanceEngine() {
        for said in engine.advance(to: now) {
            guard let dial = engine.commands[said.attempt] else { continue }
            switch said.what {
            case .dialing: report(.dialing, of: dial)
            case .ringing: report(.ringing, of: dial)
            case .answered: report(.progressing, of: dial)
            case .digits(let digits): report(.digits, of: dial, digits: digits)
            case .ended(let reason, let party):
                carrier.end(said.attempt)
                report(.hangup, of: dial, reason: reason, by: party.rawValue)
            case .orderDone, .agentLeg: continue
            }
        }
    }

    /// One report arrives once, several times, or never; each copy in its own time.
    private func report(
        _ kind: CallEvent.Kind,
        of dial: DialCommand,
        reason: HangupReason? = nil,
        by party: String = "",
        digits: String = ""
    ) {
        let event = CallEvent(
            id: draw(2) == 0 ? nil : client.next(now),
            kind: kind,
            source: "acme",
            // Their clock is not ours.
            time: now + Milliseconds(Int64(draw(3)) * 10_000 - 10_000),
            customer: .none,
            call: dial.call,
            attempt: draw(2) == 0 ? .none : dial.attempt,
            journal: .none,
            sequence: 0,
            correlation: dial.attempt,
            hangupReason: reason?.rawValue ?? "",
            hangupBy: party,
            digits: digits,
            user: "acme-engine"
        )
        let copies = strikes(profile.losses) ? 0 : 1 + draw(isCruel ? 3 : 1)
        for _ in 0..<copies {
            pending.append(Pending(due: later(0...(isCruel ? 6_000 : 5)), what: .engineReports(event)))
        }
    }

    // MARK: - What is promised

    /// Each attempt of the engine was commanded once at most, and what rang was commanded.
    func engineEnds() throws -> [String] {
        let attempts = try campaigns.reader.read { db in
            try CampaignTables.calls.fetch("", [], in: db).map(\.state).filter { !$0.assignment.engine.isEmpty }
        }
        var problems = Set(engine.commands.keys).subtracting(attempts.map(\.assignment.id)).map {
            "attempt \($0) was commanded, and no campaign made it"
        }
        for attempt in attempts where attempt.isOpen {
            problems.append("engine attempt \(attempt.assignment.id) is open")
        }
        return problems
    }
}
