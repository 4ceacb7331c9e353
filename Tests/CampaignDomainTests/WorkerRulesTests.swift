import CampaignDomain
import Contracts
import TestSupport
import Testing

@Suite struct WorkerRulesTests {
    func report(
        channels: Int = 10,
        sequence: Int64 = 5,
        isLeaving: Bool = false,
        process: UInt64 = 8
    ) -> WorkerStatus {
        WorkerStatus(
            worker: "1",
            journal: id(9),
            process: id(process),
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
        try #require(given(Worker.self, [Self.registered, .accepted(process: id(8))] + events))
    }

    func hear(_ report: WorkerStatus, _ worker: Worker?, seen: Int64 = 0) -> [WorkerEvent] {
        Worker.hear(report, current: worker, highestSeen: seen)
    }

    func register(_ report: WorkerStatus, _ worker: Worker?, seen: Int64 = 0) -> [WorkerEvent] {
        Worker.register(report, current: worker, highestSeen: seen)
    }

    @Test func `a journal is registered when it is first shown, and then only changes are recorded`() throws {
        #expect(register(report(), nil) == [Self.registered, .accepted(process: id(8))])
        // Asking again is answered alike.
        #expect(try register(report(), worker()).isEmpty)
        #expect(try hear(report(), worker()).isEmpty)
        #expect(try hear(report(channels: 20), worker()) == [.changed(route: "default", channels: 20, version: "1")])
    }

    @Test func `a lost worker returns, one that left stays away until its next process registers`() throws {
        #expect(try worker().lose() == [.lost])
        #expect(try hear(report(), worker(.lost)) == [.returned])
        #expect(try worker(.lost).comeBack() == [.returned])
        #expect(try hear(report(isLeaving: true), worker()) == [.left])
        #expect(try hear(report(isLeaving: true), worker(.left)).isEmpty)
        // A status from before its farewell, which came late.
        #expect(try hear(report(), worker(.left)).isEmpty)
        #expect(try worker(.left).comeBack().isEmpty)
        #expect(try register(report(process: 9), worker(.left)) == [.accepted(process: id(9))])
        #expect(try worker(.left, .accepted(process: id(9))).status == .live)
    }

    @Test func `a process that shows an older journal than was seen is refused, also when it asks again`() throws {
        let events = try register(report(sequence: 5, process: 9), worker(), seen: 9)
        guard case .refused(let reason)? = events.first else {
            Issue.record("not refused: \(events)")
            return
        }
        #expect(reason.contains("restored copy"))
        let refused = try worker(events[0])
        #expect(register(report(sequence: 5, process: 10), refused, seen: 9).map(\.type) == ["worker_refused"])
        // The true journal is as welcome as before.
        #expect(register(report(sequence: 9, process: 11), refused, seen: 9) == [.accepted(process: id(11))])
        #expect(hear(report(sequence: 9), refused, seen: 9) == [.returned])
    }

    @Test func `a status that comes late is no sign of a restored copy, one of an earlier process of nothing`() throws {
        #expect(try hear(report(sequence: 5), worker(), seen: 9).isEmpty)
        let second = try worker(.accepted(process: id(9)))
        #expect(hear(report(sequence: 5, isLeaving: true), second, seen: 9).isEmpty)
        #expect(hear(report(channels: 99, process: 8), second, seen: 9).isEmpty)
        #expect(hear(report(sequence: 5, process: 10), second, seen: 9).isEmpty)
    }
}
