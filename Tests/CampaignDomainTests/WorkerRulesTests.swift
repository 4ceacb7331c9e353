import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct WorkerRulesTests {
    func report(channels: Int = 10, sequence: Int64 = 5, isLeaving: Bool = false) -> WorkerStatus {
        WorkerStatus(
            worker: "1",
            journal: id(9),
            process: id(8),
            route: "default",
            channels: channels,
            free: channels,
            version: "1",
            sequence: sequence,
            isLeaving: isLeaving
        )
    }

    static let registered = WorkerEvent.registered(
        journal: id(9),
        name: "1",
        route: "default",
        channels: 10,
        version: "1"
    )

    func worker(_ events: WorkerEvent...) throws -> Worker {
        try #require(given(Worker.self, [Self.registered] + events))
    }

    func hear(_ report: WorkerStatus, _ worker: Worker?, seen: Int64 = 0, isNew: Bool = false) -> [WorkerEvent] {
        Worker.hear(report, current: worker, highestSeen: seen, isNewProcess: isNew)
    }

    @Test func `a journal is registered when it is first heard of, and then only changes are recorded`() throws {
        #expect(hear(report(), nil) == [Self.registered])
        #expect(try hear(report(), worker()).isEmpty)
        #expect(try hear(report(channels: 20), worker()) == [.changed(route: "default", channels: 20, version: "1")])
    }

    @Test func `a lost worker returns, a leaving one leaves`() throws {
        #expect(try worker().lose() == [.lost])
        #expect(try hear(report(), worker(.lost)) == [.returned])
        #expect(try hear(report(isLeaving: true), worker()) == [.left])
        #expect(try hear(report(isLeaving: true), worker(.left)).isEmpty)
        #expect(try hear(report(), worker(.left)) == [.returned])
    }

    @Test func `a worker that starts with an older journal than was seen is refused for good`() throws {
        let events = try hear(report(sequence: 5), worker(), seen: 9, isNew: true)
        guard case .refused(let reason)? = events.first else {
            Issue.record("not refused: \(events)")
            return
        }
        #expect(reason.contains("restored copy"))
        let refused = try worker(events[0])
        #expect(hear(report(sequence: 100), refused, seen: 9).isEmpty)
        // It is told again each time it starts.
        #expect(hear(report(sequence: 100), refused, seen: 100, isNew: true).map(\.type) == ["worker_refused"])
    }

    @Test func `a running worker is never refused for a report that came late`() throws {
        #expect(try hear(report(sequence: 5), worker(), seen: 9, isNew: false).isEmpty)
    }
}
