import Contracts
import DialerWorker
import EventLog
import Service

/// A dialer-worker without its threads, and the simulated carrier behind it.
final class WorkerNode: LogNode {
    let name: String
    let channels: Int
    let scenario: Scenario
    private(set) var journal: ID
    private(set) var announcer: Announcer
    private var core: WorkerCore
    private(set) var calls: SimulatedCalls
    /// What the provider has said and no turn has taken yet.
    var reports: [CallReport] = []
    private(set) var process: ID
    /// How far the journal had come when it was opened.
    private var position: Int64
    /// campaign-manager has judged the journal of this process.
    var isAccepted = false
    var isRunning = true

    init(
        _ path: String,
        name: String,
        channels: Int,
        scenario: Scenario,
        seed: UInt64,
        now: Timestamp
    ) throws {
        self.name = name
        self.channels = channels
        self.scenario = scenario
        calls = SimulatedCalls(scenario: scenario)
        core = WorkerCore(worker: name, channels: channels)
        (journal, process, position) = (.none, .none, 0)
        announcer = Announcer(journal: .none, worker: name)
        let program = LogProcess(name: "dialer-worker", version: "1")
        try super.init(path, schema: Journal.schema, process: program, seed: seed, now: now)
        try begin(now)
        announcer = Announcer(journal: journal, worker: name)
    }

    private func begin(_ now: Timestamp) throws {
        core = WorkerCore(worker: name, channels: channels)
        calls = SimulatedCalls(scenario: scenario)
        reports = []
        isAccepted = false
        isRunning = true
        process = ids.next(at: now)
        let opened = try Journal(log: file, core: &core, now: now)
        (journal, position) = (opened.id, opened.position)
    }

    override func restart(seed: UInt64, now: Timestamp) throws {
        try super.restart(seed: seed, now: now)
        try begin(now)
    }

    func perform(_ inputs: [WorkerInput], at now: Timestamp) throws -> WorkerEffects {
        try turn(at: now) { try core.turn($0, inputs) }
    }

    /// Has the carrier do what is due, and what the worker wants of it.
    func carrier(at now: Timestamp, _ body: (inout SimulatedCalls, inout [CallReport]) -> Void = { _, _ in }) {
        body(&calls, &reports)
        calls.advance(to: now.microseconds, reports: &reports)
    }

    /// As it registers, with how far the journal had come, or as it says that it lives.
    func status(isRegistration: Bool) -> WorkerStatus {
        WorkerStatus(
            worker: name,
            journal: journal,
            process: process,
            route: "default",
            channels: channels,
            free: core.free,
            version: "1",
            sequence: isRegistration ? position : file.head,
            isLeaving: false
        )
    }
}
