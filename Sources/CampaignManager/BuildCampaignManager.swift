import AMQP
package import ArgumentParser
import Contracts
import EventLog
import Logging
import OutboundHTTP
package import Service
package import ServiceLifecycle

/// The options of campaign-manager.
package struct CampaignManagerOptions: DaemonOptions {
    @OptionGroup package var common: CommonOptions
    @OptionGroup package var events: EventOptions

    @Option(help: "Milliseconds that a lost worker's journal may take to answer (CARILLON_SETTLE_TIMEOUT, 30000).")
    package var settleTimeout: String?

    @Option(
        help: """
            Routes that other dialing engines serve, with their channels and the broker's users that report their \
            calls: acme=200:acme-engine,other=50 (CARILLON_ENGINE_ROUTES, none).
            """
    )
    package var engineRoutes: String?

    @Option(help: "Milliseconds that a command may wait for another engine (CARILLON_ENGINE_START_WITHIN, 30000).")
    package var engineStartWithin: String?

    @Option(help: "The broker's users that workers report with, by commas (CARILLON_WORKER_USERS, any but engines').")
    package var workerUsers: String?

    @Option(
        help: """
            Hosts, addresses and blocks that customers' webhooks may go to although they are not public, by commas \
            (CARILLON_OUTBOUND_ALLOW, none).
            """
    )
    package var outboundAllow: String?

    @Option(help: "Milliseconds that a call may last (CARILLON_MAX_TALK_TIME, 3600000).")
    package var maxTalkTime: String?

    package init() {}

    func settings(_ environment: [String: String]) throws -> CampaignTurn.Settings {
        var settings = CampaignTurn.Settings()
        settings.settleTimeout = Milliseconds(
            try Environment.integer(
                "CARILLON_SETTLE_TIMEOUT",
                flag: settleTimeout,
                in: environment,
                default: 30_000,
                range: 100...3_600_000
            )
        )
        settings.maximumTalkTime = Milliseconds(
            try Environment.integer(
                "CARILLON_MAX_TALK_TIME",
                flag: maxTalkTime,
                in: environment,
                default: 3_600_000,
                range: 1_000...86_400_000
            )
        )
        settings.engines = try engines(environment)
        return settings
    }

    func outboundRules(_ environment: [String: String]) throws -> AddressRules {
        let setting = Setting("CARILLON_OUTBOUND_ALLOW", flag: outboundAllow, in: environment)
        do {
            return try AddressRules(allowing: setting.value ?? "")
        } catch {
            throw setting.refusal("\"\(error.entry)\" is no host, address or block such as 10.1.0.0/16")
        }
    }

    private func engines(_ environment: [String: String]) throws -> EngineRoutes {
        let users = Environment.text("CARILLON_WORKER_USERS", flag: workerUsers, in: environment) ?? ""
        return EngineRoutes(
            routes: try EngineRoutes.routes(
                parsing: Setting("CARILLON_ENGINE_ROUTES", flag: engineRoutes, in: environment)
            ),
            workerUsers: Set(users.split(separator: ",").map(String.init)),
            startWithin: Milliseconds(
                try Environment.integer(
                    "CARILLON_ENGINE_START_WITHIN",
                    flag: engineStartWithin,
                    in: environment,
                    default: 30_000,
                    range: 500...600_000
                )
            )
        )
    }
}

/// Assembles campaign-manager: its log and writer, and what connects them to the bus. In the order of dependence.
package func buildCampaignManager(
    _ options: CampaignManagerOptions,
    _ context: DaemonContext
) async throws -> [any ServiceLifecycle.Service] {
    let settings = try options.settings(context.environment)
    if settings.engines.workerUsers.isEmpty {
        context.logger.warning(
            """
            reports of calls are believed whoever publishes them: whoever may publish on this broker can end calls. Give \
            workers a user of their own and name it in CARILLON_WORKER_USERS (see deploy/rabbitmq)
            """
        )
    }
    let bus = try Bus(context) { names in
        var topology = Topology.manager(.campaign, names, takesCallEvents: true)
        topology.merge(.engines(settings.engines.routes, names))
        return topology
    }
    let file = try LogFiles.open(
        Manager.campaign.rawValue,
        schema: CampaignTables.schema,
        projections: campaignManagerProjections,
        context
    )
    let log = try LogReader(path: file.path)
    let secret = try TokenSecret.load(context)
    let (core, effects) = (TurnBox(CampaignTurn(settings: settings)), EffectQueue())
    let writer = LogWriter<CampaignInput>(log: file, clock: Clock.wall) { turn, inputs in
        try core.value.run(turn, inputs) { effects.add($0) }
    }
    let outdials = OutdialCaller(manager: ManagerCaller(client: bus.client, names: bus.names))
    let handler = CampaignHandler(
        writer: writer,
        reads: CampaignReads(log: log, clock: Clock.wall),
        outdials: outdials,
        tokenSecret: secret,
        engineRoutes: Set(settings.engines.routes.map(\.name)),
        logger: context.logger
    )
    let webhooks = WebhookDesk(
        store: try WebhookStore(directory: context.configuration.dataDirectory),
        addresses: { try WebhookAddress.all(log) },
        http: GuardedClient(rules: try options.outboundRules(context.environment)),
        client: bus.client,
        names: bus.names,
        logger: context.logger
    )
    let dispatches = CampaignDispatches(names: bus.names)
    var services: [any ServiceLifecycle.Service] = [
        BusService(client: bus.client, readiness: context.readiness),
        WriterService(writer: writer),
        LogPublisher(
            name: "bus",
            log: log,
            writer: writer,
            client: bus.client,
            logger: context.logger,
            dispatches: { try dispatches.dispatches($0) }
        ),
    ]
    services += try options.events.services(of: campaignManagerEvents, log: log, writer: writer, bus: bus, context)
    services += [
        EffectRunner(
            queue: effects,
            outdials: outdials,
            engines: EngineDialer(client: bus.client, names: bus.names, logger: context.logger, clock: Clock.wall),
            webhooks: webhooks,
            writer: writer,
            logger: context.logger,
            clock: Clock.wall
        ),
        InboxConsumer(queue: bus.names.inbox(.campaign), names: bus.names, client: bus.client, logger: context.logger) {
            messages in
            writer.submit(
                messages.map { message in
                    .message(message.content, acknowledge: { message.acknowledge() })
                }
            )
        },
        RequestServer(
            queue: bus.names.requests(.campaign),
            client: bus.client,
            logger: context.logger,
            handler: { await handler.handle($0) }
        ),
    ]
    services += [webhooks, CampaignMetrics(log: log)]
    if !settings.engines.routes.isEmpty {
        services.append(
            EngineReturns(
                queue: bus.names.undelivered,
                client: bus.client,
                writer: writer,
                logger: context.logger
            )
        )
    }
    return services
}
