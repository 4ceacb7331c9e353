import AMQP
package import ArgumentParser
import Contracts
import EventLog
package import Service
package import ServiceLifecycle

/// The options of outdial-manager.
package struct OutdialManagerOptions: DaemonOptions {
    @OptionGroup package var common: CommonOptions
    @OptionGroup package var events: EventOptions
    package init() {}
}

/// Assembles outdial-manager: its log and writer, and what connects them to the bus. In the order of dependence.
package func buildOutdialManager(
    _ options: OutdialManagerOptions,
    _ context: DaemonContext
) async throws -> [any ServiceLifecycle.Service] {
    let zones = ZoneFiles()
    try zones.check()
    let bus = try Bus(context) { Topology.manager(.outdial, $0, takesCallEvents: false) }
    let file = try LogFiles.open(
        Manager.outdial.rawValue,
        schema: OutdialTables.schema,
        projections: outdialManagerProjections,
        context
    )
    let log = try LogReader(path: file.path)
    let core = TurnBox(OutdialTurn(zones: zones))
    let writer = LogWriter<OutdialInput>(log: file, clock: Clock.wall) { turn, inputs in
        try core.value.run(turn, inputs)
    }
    let handler = OutdialHandler(
        writer: writer,
        reads: OutdialReads(log: log, clock: Clock.wall, zones: zones),
        logger: context.logger
    )
    let dispatches = OutdialDispatches(names: bus.names)
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
    services += try options.events.services(of: outdialManagerEvents, log: log, writer: writer, bus: bus, context)
    services += [
        InboxConsumer(queue: bus.names.inbox(.outdial), names: bus.names, client: bus.client, logger: context.logger) {
            messages in
            writer.submit(
                messages.map { message in
                    .message(message.items, acknowledge: { message.acknowledge() })
                }
            )
        },
        RequestServer(
            queue: bus.names.requests(.outdial),
            client: bus.client,
            logger: context.logger,
            handler: { await handler.handle($0) }
        ),
    ]
    return services
}
