import Contracts
import DialerWorker
import EventLog

/// A journal on a real file with the core that decides over it, for flows.
final class FlowBench {
    static let program = Sample.id(700)
    static let queue = Sample.id(701)

    private(set) var core: WorkerCore
    private(set) var journal: Journal
    private let path: String
    private var ids = IDGenerator()
    private var items: UInt64 = 0
    var now = Sample.start

    init(_ path: String, channels: Int = 10) throws {
        self.path = path
        core = WorkerCore(worker: "1", channels: channels)
        journal = try FlowBench.open(path, &core)
    }

    private static func open(_ path: String, _ core: inout WorkerCore) throws -> Journal {
        let process = LogProcess(name: "dialer-worker", version: "1")
        let log = try EventLogFile.open(path: path, schema: Journal.schema, process: process, now: Sample.start)
        return try Journal(log: log, core: &core, now: Sample.start)
    }

    /// The process dies and comes back.
    func restart() throws {
        try journal.log.abandon()
        core = WorkerCore(worker: "1", channels: 10)
        journal = try FlowBench.open(path, &core)
    }

    @discardableResult
    func turn(_ inputs: WorkerInput...) throws -> WorkerEffects {
        try journal.log.perform(now: now, ids: &ids) { try core.turn($0, inputs) }
    }

    @discardableResult
    func tell(_ body: Item.Body) throws -> WorkerEffects {
        items += 1
        return try turn(.item(Sample.item(body, id: items)))
    }

    /// Gives the actions, dials, and has it answered; answers with what the flow wants first.
    @discardableResult
    func begin(_ actions: [JSONValue], kind: DialCommand.Kind = .call, number: UInt64 = 1) throws -> WorkerEffects {
        try tell(.program(Program(id: FlowBench.program, actions: actions)))
        try tell(.dial(FlowBench.dial(number, kind: kind)))
        return try report(.answered, number)
    }

    static func dial(_ number: UInt64 = 1, kind: DialCommand.Kind = .call) -> DialCommand {
        var dial = Sample.dial(number)
        dial.kind = kind
        dial.program = program
        dial.outdial = Sample.id(800)
        dial.profile = TargetProfile(name: "Ann", variables: ["day": "Monday"])
        return dial
    }

    @discardableResult
    func report(_ what: CallReport.What, _ number: UInt64 = 1) throws -> WorkerEffects {
        try turn(.report(CallReport(attempt: Sample.attempt(number), what: what)))
    }

    func notes(_ number: UInt64 = 1) throws -> [FlowNote] {
        try events(number).compactMap { if case .flow(let note) = $0 { note } else { nil } }
    }

    func types(_ number: UInt64 = 1) throws -> [String] { try events(number).map(\.type) }

    func events(_ number: UInt64 = 1) throws -> [AttemptEvent] {
        try LogReader(path: path).events(of: "attempt-\(Sample.attempt(number))").map { event in
            try AttemptEvent(type: event.type, schema: event.schema, json: try JSONValue(parsing: event.data ?? []))
        }
    }

    /// What the others are told of one attempt.
    func announcements(_ number: UInt64 = 1) throws -> [Announcement] {
        let announcer = Announcer(journal: journal.id, worker: "1")
        return try LogReader(path: path).events(of: "attempt-\(Sample.attempt(number))")
            .flatMap { try announcer.announcements(of: $0) }
    }

    static func action(_ type: String, _ option: JSONValue = [:]) -> JSONValue {
        ["id": .id(.none), "next_id": .id(.none), "type": .string(type), "option": option]
    }
}
