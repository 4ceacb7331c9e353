import Foundation
import TestSupport
import Testing

/// A step of the protocol by which an attempt is dialed at most once, and every place in it where a process may die.
struct ProtocolStep: Sendable, CustomTestStringConvertible {
    /// What has to happen for the step to be taken.
    enum Story: Sendable {
        /// A campaign that ends by itself.
        case exhaustion
        /// One that is stopped while phones ring, and goes on afterwards.
        case stop
        /// One of whose workers is suspended until its attempts are overdue.
        case settlement
    }

    var name: String
    var story = Story.exhaustion
    var points: [String]
    /// Points that differ from those above in the kind of report only.
    var furtherPoints: [String] = []
    /// How often a process comes by: once for each worker, once in its life.
    var mostPasses = 3

    var testDescription: String { name }

    /// Those that `CARILLON_PROTOCOL_STEPS` names (`finish,cancel`); all of them without it.
    static var selected: [ProtocolStep] {
        guard let names = ProcessInfo.processInfo.environment["CARILLON_PROTOCOL_STEPS"] else { return all }
        return all.filter { names.split(separator: ",").contains(Substring($0.name)) }
    }

    /// Every step, in the order in which an attempt comes by.
    static let all: [ProtocolStep] = [
        ProtocolStep(
            name: "register",
            points: request("worker.register") + commit("worker_registered") + delivery("worker_status"),
            mostPasses: 2
        ),
        ProtocolStep(name: "accept", points: commit("journal_accepted"), mostPasses: 1),
        ProtocolStep(
            name: "claim",
            points: commit("outdial_claimed") + request("outdial.claim") + commit("campaign_started")
        ),
        ProtocolStep(name: "lease", points: commit("target_leased") + request("outdial.lease")),
        ProtocolStep(name: "assign", points: commit("campaigncall_created") + publish("campaigncall_created")),
        ProtocolStep(
            name: "dial",
            points: delivery("dial") + commit("attempt_claimed") + ["before_place.call", "after_place.call"]
        ),
        ProtocolStep(
            name: "report",
            points: ["call_dialing", "call_hangup"].flatMap { commit($0) + publish($0) },
            furtherPoints: ["call_ringing", "call_progressing", "call_digits"].flatMap { commit($0) + publish($0) }
        ),
        ProtocolStep(
            name: "apply",
            points: delivery("call_progressing") + commit("campaigncall_progressing") + delivery("call_hangup")
                + commit("campaigncall_finished"),
            furtherPoints: ["dialing", "ringing", "digits"].flatMap {
                delivery("call_\($0)") + commit("campaigncall_\($0)")
            }
        ),
        ProtocolStep(
            name: "finish",
            points: publish("campaigncall_finished") + delivery("attempt_finished") + commit("target_attempt_finished")
        ),
        ProtocolStep(
            name: "ready",
            points: commit("outdial_wished") + commit("outdial_ready") + publish("outdial_ready")
                + delivery("outdial_ready")
        ),
        ProtocolStep(
            name: "exhausted",
            points: commit("outdial_exhausted") + publish("outdial_exhausted") + delivery("outdial_exhausted")
        ),
        ProtocolStep(
            name: "release",
            points: commit("campaign_stopped") + publish("campaign_stopped") + delivery("claim_released")
                + commit("outdial_released")
        ),
        ProtocolStep(
            name: "cancel",
            story: .stop,
            points: commit("campaign_stopping") + publish("campaign_stopping") + delivery("cancel")
                + commit("run_cancelled") + publish("campaign_stopped")
        ),
        ProtocolStep(
            name: "settle",
            story: .settlement,
            points: commit("campaigncall_settling") + publish("campaigncall_settling") + delivery("settle")
                + commit("attempt_settled") + publish("attempt_settled") + delivery("settled")
        ),
    ]

    /// The cases of this run: every point the first time that it is passed, or also the second and the third time.
    var cases: [CrashCase] {
        guard isDeep else { return points.map { CrashCase(point: $0, count: 1, story: story) } }
        return (points + furtherPoints).flatMap { point in
            (1...mostPasses).map { CrashCase(point: point, count: $0, story: story) }
        }
    }

    private static func commit(_ event: String) -> [String] { ["before_commit.\(event)", "after_commit.\(event)"] }

    private static func publish(_ event: String) -> [String] {
        ["before_publish.\(event)", "after_publish.\(event)", "after_confirm.\(event)"]
    }

    private static func delivery(_ item: String) -> [String] {
        ["on_delivery.\(item)", "before_acknowledge.\(item)", "after_acknowledge.\(item)"]
    }

    private static func request(_ method: String) -> [String] { ["before_reply.\(method)", "after_reply.\(method)"] }
}
