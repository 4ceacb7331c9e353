import AMQP
import Contracts
import EventLog
import Foundation
import Logging
package import Service
package import ServiceLifecycle

/// Assembles dialer-worker: its journal and writer, its provider, and what connects them to the bus.
///
/// The services are in the order of dependence, and are shut down from the last to the first: the worker drains while
/// everything else still works.
package func buildWorker(
    _ options: WorkerOptions,
    _ context: DaemonContext,
    webClient: (any WebClient)? = nil
) async throws -> [any ServiceLifecycle.Service] {
    let settings = try WorkerSettings(options, context.environment)
    let provider = try simulator(settings, context.logger)
    var core = WorkerCore(worker: settings.worker, channels: settings.channels)
    let file = try LogFiles.open(
        Journal.name(worker: settings.worker),
        schema: Journal.schema,
        projections: Journal.projections,
        context
    )
    let journal = try Journal(log: file, core: &core, now: Clock.wall())
    if let refusal = journal.refusal { throw JournalGuard.error(path: file.path, refusal) }
    let bus = try Bus(context) { Topology.worker(journal.id, $0) }
    let guardian = JournalGuard(path: file.path)
    let errands = ErrandRunner(
        messages: try outbox(settings),
        web: try webClient ?? GuardedWebClient(context.environment)
    )
    let acceptance = Acceptance()
    let readiness = context.readiness
    readiness.set("journal", ready: false, detail: "waiting for campaign-manager to accept the journal")
    let worker = Worker(
        journal: journal,
        core: core,
        provider: provider,
        errands: errands,
        logger: context.logger,
        clock: Clock.wall,
        onAccepted: {
            acceptance.give()
            readiness.set("journal", ready: true)
        },
        onRefused: { guardian.refused($0) }
    )
    let order = StatusOrder(log: worker.writer, acceptance: acceptance)
    let identity = WorkerIdentity(id: settings.worker, route: settings.route, version: context.version)
    let reporter = StatusReporter(
        worker: worker,
        registration: Registration(
            caller: ManagerCaller(client: bus.client, names: bus.names),
            worker: worker,
            acceptance: acceptance,
            logger: context.logger,
            clock: Clock.wall
        ),
        order: order,
        identity: identity,
        client: bus.client,
        names: bus.names,
        clock: Clock.wall
    )
    let screen = NumberScreen(
        caller: ManagerCaller(client: bus.client, names: bus.names),
        worker: settings.worker,
        logger: context.logger,
        clock: Clock.wall,
        submit: { worker.submit($0) }
    )
    let announcer = Announcer(journal: journal.id, worker: settings.worker)
    let names = bus.names
    return [
        BusService(client: bus.client, readiness: context.readiness),
        WriterService(writer: worker.writer),
        LogPublisher(
            name: "bus",
            log: try LogReader(path: file.path),
            writer: order,
            client: bus.client,
            logger: context.logger,
            dispatches: { try announcer.announcements(of: $0).map { $0.dispatch(names) } }
        ),
        guardian,
        ProviderService(provider: provider),
        errands,
        reporter,
        screen,
        AfterAcceptance(
            acceptance,
            InboxConsumer(
                queue: names.worker(journal: journal.id),
                names: names,
                client: bus.client,
                logger: context.logger,
                prefetch: 512
            ) { screen.take($0) }
        ),
        Drain(worker: worker, reporter: reporter, client: bus.client, limit: settings.drainLimit),
    ]
}

extension Topology {
    /// A worker's own queue, which goes when nobody has used it for a day.
    static func worker(_ journal: ID, _ names: BusNames) -> Topology {
        var topology = shared(names)
        topology.queues.append(.durable(names.worker(journal: journal), arguments: ["x-expires": 86_400_000]))
        return topology
    }
}

private func outbox(_ settings: WorkerSettings) throws -> Outbox {
    do {
        let file = try settings.outboxPath.map { try Ledger(path: $0, noun: "outbox") }
        return Outbox(file: file, worker: settings.worker, clock: Clock.wall)
    } catch {
        throw ConfigurationError("CARILLON_SIMULATOR_OUTBOX: \(error)")
    }
}

private func simulator(_ settings: WorkerSettings, _ logger: Logger) throws -> SimulatorProvider {
    var ledger: Ledger?
    do {
        if let path = settings.ledgerPath { ledger = try Ledger(path: path) }
    } catch {
        throw ConfigurationError("CARILLON_SIMULATOR_LEDGER: \(error)")
    }
    return SimulatorProvider(
        scenario: try settings.scenarioPath.map { try Scenario(path: $0) } ?? Scenario(),
        ledger: ledger,
        worker: settings.worker,
        clock: Clock.wall,
        onLedgerFailure: { logger.error("\($0); calls fail until it can be written again") }
    )
}
