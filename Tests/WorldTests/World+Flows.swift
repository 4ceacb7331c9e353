import CampaignDomain
import CampaignManager
import Contracts
import DialerWorker
import EventLog
import FlowEngine
import GRDB
import Service

/// The flows of campaigns: what they do, whom they call, and how they end.
extension World {
    /// Actions of a campaign, none now and then.
    func actions() -> [JSONValue] {
        switch draw(7) {
        case 0: []
        case 1, 2, 3: askingForKeys()
        case 4:
            [
                action("call", ["destinations": [leg(), leg()], "actions": [talk(), action("hangup", [:])]]), talk(),
                action("sleep", ["duration": .integer(Int64(draw(4)) * 1_000)]),
            ]
        case 5:
            [
                talk(), action("connect", ["destinations": [leg()], "relay_reason": .bool(draw(2) == 0)]),
                action("hangup", [:]),
            ]
        default:
            [
                talk(), action("webhook_send", ["uri": "http://hooks.example/", "sync": true]),
                action("goto", ["target_id": .id(ReservedAction.start), "loop_count": 2]),
            ]
        }
    }

    /// Actions that need no call.
    func sendings() -> [JSONValue] {
        [
            action("message_send", ["text": "hello"]),
            action("sleep", ["duration": .integer(Int64(draw(3)) * 2_000)]),
            action("webhook_send", ["uri": "http://x/"]),
        ]
    }

    /// 9 is for those who want no calls, 1 for those who want an agent; the others have heard it.
    private func askingForKeys() -> [JSONValue] {
        let (leave, join) = (client.next(now), client.next(now))
        return [
            talk(), action("digits_receive", ["length": 1, "duration": 3_000]),
            action(
                "branch",
                [
                    "target_ids": ["9": .id(leave), "1": .id(join)],
                    "default_target_id": .id(draw(2) == 0 ? ReservedAction.finish : join),
                ]
            ),
            action("variable_set", ["key": "carillon.opt_out", "value": "true"], id: leave), action("hangup", [:]),
            action("queue_join", ["queue_id": .id(client.queues[draw(client.queues.count)])], id: join),
        ]
    }

    private func talk() -> JSONValue { action("talk", ["text": "hello, this is a call"]) }

    private func leg() -> JSONValue { ["type": "tel", "target": .string(legNumber())] }

    /// Now and then one that campaigns call, too.
    func legNumber() -> String { draw(4) == 0 ? number() : "+1888\(1_000_000 + draw(6))" }

    private func action(_ type: String, _ option: JSONValue, id: ID = .none) -> JSONValue {
        var object: JSONObject = ["type": .string(type), "option": option]
        if !id.isNone { object.append("id", .id(id)) }
        return .object(object)
    }

    // MARK: - What flows want

    /// The errands of a turn, and the numbers that it wants looked up: both come back later, if the process lives.
    func serve(_ effects: WorkerEffects, of index: Int) {
        let generation = workers[index].generation
        for errand in effects.errands {
            guard let number = errand.number else { continue }
            let outcome: ErrandOutcome
            switch errand.what {
            case .message, .email: outcome = strikes(profile.losses) ? .failed(reason: "away") : .sent
            case .web: outcome = draw(3) == 0 ? .failed(reason: "timeout") : .answered(status: 200, body: "{}")
            case .files(let urls): outcome = .found(urls, problem: nil)
            }
            let done = WorkerInput.errandDone(errand.attempt, number: number, outcome)
            pending.append(Pending(due: later(0...5_000), what: .tellWorker(index, done, generation: generation)))
        }
        for check in effects.checks {
            let due = later(0...(isCruel ? 2_000 : 10))
            pending.append(Pending(due: due, what: .screen(index, check, generation: generation)))
        }
    }

    /// Looks numbers of a flow up, and has its worker go on at once.
    func screen(_ index: Int, _ check: LegCheck) throws {
        let answers = try screening(of: check.legs.map(\.command), areLegs: true)
        let known = Dictionary(
            uniqueKeysWithValues: check.legs.map { leg in
                (leg.command.attempt, answers(leg.command.attempt))
            }
        )
        try command(index, [.legsScreened(check.attempt, number: check.number, known)])
    }

    // MARK: - What is promised

    /// Whoever was answered by a flow has come to its end, and every caller in a queue to an agent, or away.
    func flowEnds() throws -> [String] {
        let (calls, flows, callers) = try campaigns.reader.read { db in
            (
                try CampaignTables.calls.fetch("", [], in: db).map(\.state),
                try CampaignTables.activeflows.fetch("", [], in: db).map(\.state),
                try CampaignTables.queuecalls.fetch("", [], in: db).map(\.state)
            )
        }
        let runs = Dictionary(uniqueKeysWithValues: flows.map { ($0.attempt, $0) })
        let waits = Dictionary(grouping: callers) { $0.new.attempt }
        var problems: [String] = []
        for call in calls where call.answeredAt != nil && !call.assignment.program.isNone {
            let id = call.assignment.id
            guard let run = runs[id] else {
                // What has no call tells of its flow with its first action: its process may die before that.
                if call.assignment.kind == .call || call.hangupReason != HangupReason.outcomeUnknown.rawValue {
                    problems.append("attempt \(id) was answered, and ran no flow (\(call.hangupReason))")
                }
                continue
            }
            if run.status != .ended || run.endedAt == nil { problems.append("the flow of attempt \(id) goes on") }
            if run.executed.isEmpty, call.hangupReason != HangupReason.outcomeUnknown.rawValue {
                problems.append("nobody knows how the flow of attempt \(id) ended (\(call.hangupReason))")
            }
            if run.executed.contains(where: { $0.type == "variable_set" }),
                !outdialWatch.isListed(call.assignment.destination.target)
            {
                problems.append("attempt \(id) was told to call no more, and its number is on no list")
            }
            for wait in waits[id] ?? [] where ![.done, .abandoned].contains(wait.status) {
                problems.append("the caller of attempt \(id) is \(wait.status)")
            }
        }
        return problems
    }
}
