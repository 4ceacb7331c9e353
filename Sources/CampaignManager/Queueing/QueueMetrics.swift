import CampaignDomain
import Contracts
import Metrics

/// What the queues do, for Prometheus: counters and histograms of this process, over all customers.
final class QueueMetrics: Sendable {
    static let shared = QueueMetrics()

    private let incoming = Counter(label: "carillon_queuecalls_total")
    private let serviced = Counter(label: "carillon_queuecalls_serviced_total")
    private let abandoned = Counter(label: "carillon_queuecalls_abandoned_total")
    private let waiting = Timer(label: "carillon_queuecall_wait_seconds")
    private let agentWait = Timer(label: "carillon_agent_wait_seconds")
    private let talk = Timer(label: "carillon_agent_talk_seconds")
    private let wrapUp = Timer(label: "carillon_agent_wrap_up_seconds")

    func count(_ before: Queuecall?, _ after: Queuecall) {
        if before == nil { incoming.increment() }
        switch after.status {
        case .service:
            serviced.increment()
            waiting.recordMilliseconds(after.waitingTime.count)
            agentWait.recordMilliseconds(after.agentIdle.count)
        case .done:
            talk.recordMilliseconds(after.serviceTime.count)
            wrapUp.recordMilliseconds(after.wrapUp.count)
        case .abandoned: abandoned.increment()
        case .initiating, .waiting, .connecting: break
        }
    }
}
