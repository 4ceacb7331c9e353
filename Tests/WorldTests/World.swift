import CampaignManager
import Contracts
import DialerWorker
import EventLog
import OutdialManager
import Service
import TestSupport

/// The daemons of one installation in one thread, with a clock that the world moves.
///
/// The cores are the real ones on real logs. What the shells do is done by hand here: a step publishes some events of a
/// log, hands some letters of a queue to their receiver in one turn, carries a request or its answer, lets time pass,
/// kills a process, or lets the customer wish for something. Which of them is drawn from the seed, and so is what is
/// lost, delivered again or late.
final class World {
    let seed: UInt64
    var random: SplitMix
    var profile: Profile
    let directory: TemporaryDirectory
    var now = moment(0)
    let names = BusNames(prefix: "world")
    let campaigns: CampaignNode
    let outdials: OutdialNode
    private(set) var workers: [WorkerNode] = []
    var carrier: Carrier
    var engine: Engine
    /// Mailboxes in the order in which they came into being.
    var mailboxes: [(name: String, mailbox: Mailbox)] = []
    /// What happens at a moment to come, unless its process dies before.
    var pending: [Pending] = []
    var isCruel = true
    let client: Client
    private(set) var kills = 0
    var watch = CampaignWatch()
    var outdialWatch = OutdialWatch()
    var queueWatch = QueueWatch()
    /// What happened, for whoever has to understand a failure.
    var trace: [String] = []

    struct Pending {
        var due: Timestamp
        var what: Errand
    }

    init(seed: UInt64) throws {
        self.seed = seed
        random = SplitMix(seed: seed)
        profile = Profile(&random)
        directory = try TemporaryDirectory(inMemory: true)
        campaigns = try CampaignNode(path: directory.file("campaign-manager.db"), seed: random.next(), now: now)
        outdials = try OutdialNode(path: directory.file("outdial-manager.db"), seed: random.next(), now: now)
        carrier = Carrier(isStrict: profile.isPatient)
        engine = Engine(scenario: World.scenario(seed: random.next()))
        client = Client(ids: IDGenerator(seed: random.next()))
        for index in 0..<profile.workers { workers.append(try makeWorker(index)) }
        for name in [names.inbox(.campaign), names.inbox(.outdial)] { mailboxes.append((name, Mailbox())) }
        for worker in workers { mailboxes.append((names.worker(journal: worker.journal), Mailbox())) }
        pending.append(Pending(due: now, what: .tick))
        for index in workers.indices { pending.append(Pending(due: now, what: .register(index, generation: 0))) }
        for index in workers.indices { pending.append(Pending(due: now, what: .status(index))) }
    }

    private static func scenario(seed: UInt64) -> Scenario {
        var scenario = Scenario()
        scenario.seed = Int64(truncatingIfNeeded: seed >> 1)
        scenario.usesMagicNumbers = false
        scenario.defaults.probabilities = [0.4, 0.2, 0.25, 0.1, 0.05]
        scenario.defaults.patience = Scenario.Span(2_000, 60_000)
        scenario.defaults.keys = Scenario.Keys([Scenario.Keys.Choice("1", 0.4), Scenario.Keys.Choice("9", 0.3)])
        scenario.agents.answer = 0.7
        scenario.agents.ring = Scenario.Span(0, 8_000)
        scenario.agents.talk = Scenario.Span(0, 30_000)
        var busy = Scenario.AgentOverride(address: "*3")
        busy.state = .busy
        scenario.agents.overrides = [busy]
        return scenario
    }

    private func makeWorker(_ index: Int) throws -> WorkerNode {
        try WorkerNode(
            directory.file("dialer-worker.\(index + 1).db"),
            name: "\(index + 1)",
            channels: 1 + Int(random.next() % 8),
            scenario: World.scenario(seed: random.next()),
            seed: random.next(),
            now: now
        )
    }

    // MARK: - Chance

    func draw(_ limit: Int) -> Int { Int(random.next() % UInt64(max(1, limit))) }

    /// True `share` times out of a thousand, while the world is cruel.
    func strikes(_ share: UInt64) -> Bool { isCruel && random.next() % 1000 < share }

    func later(_ milliseconds: ClosedRange<Int64>) -> Timestamp {
        let width = UInt64(milliseconds.upperBound - milliseconds.lowerBound + 1)
        return now + Milliseconds(milliseconds.lowerBound + Int64(random.next() % width))
    }

    func note(_ text: @autoclosure () -> String) {
        trace.append("\((now - moment(0)).count) \(text())")
        if trace.count > 4000 { trace.removeFirst(2000) }
    }

    // MARK: - Steps

    /// One step; false when there was nothing to do but wait.
    func step() throws {
        if strikes(profile.kills) { try kill() }
        if strikes(profile.holds) { hold() }
        if strikes(profile.wishes) { try wish() }
        let ready = try choices()
        guard let choice = ready.isEmpty ? nil : ready[draw(ready.count)] else { return try wait() }
        try perform(choice)
    }

    private enum Choice {
        case publish(LogNode)
        case deliver(Int)
        case errand(Int)
        case report(Int)
        case timers(LogNode)
    }

    private func choices() throws -> [Choice] {
        var choices: [Choice] = []
        for node in nodes where node.hasUnpublished && canPublish(node) { choices.append(.publish(node)) }
        for index in mailboxes.indices where mailboxes[index].mailbox.isReady(at: now) && isReceiving(index) {
            choices.append(.deliver(index))
        }
        for index in pending.indices where pending[index].due <= now { choices.append(.errand(index)) }
        for index in workers.indices where !workers[index].reports.isEmpty && workers[index].isRunning {
            choices.append(.report(index))
        }
        for node in [campaigns, outdials] as [LogNode] {
            if let due = node.file.nextDue, due <= now { choices.append(.timers(node)) }
        }
        return choices
    }

    private var nodes: [LogNode] { [campaigns, outdials] + workers }

    private func canPublish(_ node: LogNode) -> Bool {
        guard let worker = node as? WorkerNode else { return true }
        return worker.isAccepted && worker.isRunning
    }

    private func isReceiving(_ mailbox: Int) -> Bool {
        guard let worker = workers.first(where: { names.worker(journal: $0.journal) == mailboxes[mailbox].name }) else {
            return true
        }
        return worker.isAccepted && worker.isRunning
    }

    private func perform(_ choice: Choice) throws {
        switch choice {
        case .publish(let node): try publish(node)
        case .deliver(let index): try deliver(index)
        case .errand(let index): try run(pending.remove(at: index).what)
        case .report(let index): try report(index)
        case .timers(let node):
            if node === campaigns { try tell([]) } else { try outdials.perform([], at: now) }
        }
    }

    /// Lets time pass up to the next thing that happens, or a little further.
    private func wait() throws {
        var moments = pending.map(\.due)
        moments += [campaigns.file.nextDue, outdials.file.nextDue].compactMap { $0 }
        moments += mailboxes.filter { !$0.mailbox.letters.isEmpty }.map(\.mailbox.heldUntil)
        moments += workers.filter(\.isRunning).compactMap { $0.calls.nextDue.map { Timestamp(microseconds: $0) } }
        moments += engine.calls.nextDue.map { [Timestamp(microseconds: $0)] } ?? []
        let next = moments.filter { $0 > now }.min() ?? now + 1_000
        now = isCruel && draw(4) == 0 ? max(next, later(1...200)) : next
        for index in workers.indices where workers[index].isRunning { advance(index) }
        advanceEngine()
    }

    // MARK: - Queues

    private func publish(_ node: LogNode) throws {
        let events = try node.unpublished(1 + draw(isCruel ? 20 : 100))
        if node === campaigns { for event in events { try watchCampaigns(event) } }
        if node === outdials { for event in events { try outdialWatch.see(event) } }
        let dispatches = try events.flatMap { event -> [Dispatch] in
            switch node {
            case is CampaignNode: try CampaignDispatches(names: names).dispatches(event)
            case is OutdialNode: try OutdialDispatches(names: names).dispatches(event)
            case let worker as WorkerNode:
                try worker.announcer.announcements(of: event).map { $0.dispatch(names) }
            default: []
            }
        }
        for (queue, letter) in letters(of: dispatches, calls: names.inbox(.campaign)) { post(letter, to: queue) }
        if draw(3) == 0 || !isCruel { node.savePublished() }
    }

    func watchCampaigns(_ event: RecordedEvent) throws {
        try watch.see(event)
        try queueWatch.see(event)
    }

    func post(_ letter: Mailbox.Letter, to queue: String) {
        guard let index = mailboxes.firstIndex(where: { $0.name == queue }) else { return }
        mailboxes[index].mailbox.post(letter)
    }

    private func deliver(_ index: Int) throws {
        let letters = mailboxes[index].mailbox.first(1 + draw(6))
        note("deliver to \(mailboxes[index].name): \(letters.map(describe).joined(separator: ", "))")
        // The receiver applies them, and its acknowledgement may be lost.
        if !strikes(profile.losses) { mailboxes[index].mailbox.remove(first: letters.count) }
        switch mailboxes[index].name {
        case names.inbox(.campaign):
            try tell(
                letters.map { letter in
                    switch letter {
                    case .item(let item): .message(.items([item]), acknowledge: {})
                    case .call(let event): .message(.callEvents([event]), acknowledge: {})
                    }
                }
            )
        case names.inbox(.outdial):
            let items = letters.compactMap { if case .item(let item) = $0 { item } else { nil } }
            try outdials.perform([.message(items, acknowledge: {})], at: now)
            for case .optOut(let wish) in items.map(\.body) { carrier.optedOut.insert(wish.number) }
        default:
            guard let worker = workers.firstIndex(where: { names.worker(journal: $0.journal) == mailboxes[index].name })
            else { return }
            let items = letters.compactMap { if case .item(let item) = $0 { item } else { nil } }
            try command(worker, try screened(items).map { .item($0) })
        }
    }

    private func describe(_ letter: Mailbox.Letter) -> String {
        switch letter {
        case .item(let item): item.kind
        case .call(let event): "\(event.kind.rawValue) of \(event.attempt)"
        }
    }

    /// One turn of campaign-manager, and what it wants done.
    func tell(_ inputs: [CampaignInput]) throws {
        for effect in try campaigns.perform(inputs, at: now) { ask(effect) }
        try checkWaiting()
    }

    // MARK: - Workers

    /// One turn of a worker; then what it wants of the carrier, unless it dies in between.
    func command(_ index: Int, _ inputs: [WorkerInput]) throws {
        let worker = workers[index]
        let effects = try worker.perform(inputs, at: now)
        if strikes(profile.kills) { return try kill(worker: index) }
        let late = effects.place.filter { now > $0.startBy }
        let inTime = effects.place.filter { now <= $0.startBy }
        let dialed = inTime.filter { $0.kind == .call }
        for command in dialed { carrier.place(command, by: index, channels: worker.channels, at: now) }
        for command in inTime where command.kind != .call { carrier.begin(command, by: index, at: now) }
        for order in effects.orders { placeLegs(of: order, by: index) }
        worker.carrier(at: now) { calls, reports in
            for command in dialed { calls.place(command, at: now.microseconds, reports: &reports) }
            // What is no call begins at once, as if it were answered.
            for command in inTime where command.kind != .call {
                reports.append(CallReport(attempt: command.attempt, what: .answered))
            }
            for order in effects.orders {
                if case .call(let legs) = order.what {
                    for leg in legs { calls.place(leg.command, at: now.microseconds, reports: &reports) }
                } else {
                    calls.perform(order, at: now.microseconds, reports: &reports)
                }
            }
            for attempt in effects.cancel { calls.cancel(attempt, reports: &reports) }
            for attempt in effects.hangUp { calls.hangUp(attempt, by: .system, reports: &reports) }
            for attempt in effects.hangUpForUs { calls.hangUp(attempt, by: .local, reports: &reports) }
        }
        followEnds(index)
        serve(effects, of: index)
        if effects.isAccepted { worker.isAccepted = true }
        if let reason = effects.journalRefused { carrier.problems.append("a true journal was refused: \(reason)") }
        if effects.statusChanged { sayStatus(index) }
        if !late.isEmpty { try command(index, late.map { .tooLate($0.attempt) }) }
    }

    private func placeLegs(of order: CallOrder, by index: Int) {
        let channels = workers[index].channels
        switch order.what {
        case .connect(let legs): for leg in legs { carrier.place(leg, by: index, channels: channels, isJoined: true) }
        case .call(let legs): for leg in legs { carrier.place(leg, by: index, channels: channels, isJoined: false) }
        default: break
        }
    }

    private func advance(_ index: Int) {
        workers[index].carrier(at: now)
        followEnds(index)
    }

    private func followEnds(_ index: Int) {
        for report in workers[index].reports {
            switch report.what {
            case .ended: carrier.end(report.attempt)
            case .agentLeg(let leg, .answered): carrier.talk(leg)
            default: continue
            }
        }
    }

    private func report(_ index: Int) throws {
        let reports = workers[index].reports.prefix(1 + draw(8))
        workers[index].reports.removeFirst(reports.count)
        try command(index, reports.map { .report($0) })
    }

    func sayStatus(_ index: Int) {
        guard workers[index].isAccepted, workers[index].isRunning else { return }
        let id = workers[index].ids.next(at: now)
        let status = Item.Body.workerStatus(workers[index].status(isRegistration: false))
        post(.item(Item(id: id, correlation: id, body: status)), to: names.inbox(.campaign))
    }

    // MARK: - Cruelty

    private func kill() throws {
        switch draw(2 + workers.count) {
        case 0:
            note("kill campaign-manager")
            kills += 1
            try campaigns.restart(seed: random.next(), now: now)
            watch.restarts += 1
        case 1:
            note("kill outdial-manager")
            kills += 1
            try outdials.restart(seed: random.next(), now: now)
        case let other: try kill(worker: other - 2)
        }
    }

    private func kill(worker index: Int) throws {
        guard workers[index].isRunning else { return }
        note("kill worker \(index + 1)")
        kills += 1
        workers[index].isRunning = false
        workers[index].isAccepted = false
        carrier.lose(worker: index)
        let back = later(1...profile.longestAbsence)
        pending.append(Pending(due: back, what: .restart(index)))
    }

    private func hold() {
        let index = draw(mailboxes.count)
        mailboxes[index].mailbox.heldUntil = later(1...profile.longestAbsence)
    }
}
