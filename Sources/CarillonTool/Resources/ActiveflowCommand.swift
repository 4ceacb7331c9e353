import ArgumentParser
import Contracts

/// `carillon activeflow`: runs of flows, and the end of one.
struct ActiveflowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ActiveflowKind.resource.name,
        abstract: ActiveflowKind.resource.abstract,
        discussion: ResourceHelp.statuses,
        subcommands: ResourceCommand<ActiveflowKind>.verbs + [ActiveflowStopCommand.self]
    )
}

/// `carillon activeflow stop`
struct ActiveflowStopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Ends a run of a flow, and its call."
    )

    @Flag(help: "One JSON object in a line.")
    var json = false

    @OptionGroup var options: GatewayOptions

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("The id.", valueName: "id"))
    var words: [String] = []

    func validate() throws { _ = try ActiveflowKind.resource.idWords(words) }

    func run() async throws {
        let path = try ActiveflowKind.resource.objectPath(try ActiveflowKind.resource.idWords(words)) + "/stop"
        try await ResourceAccess.perform(options) { gateway in
            ResourceAccess.show(try await gateway.post(path, [:]), asJSON: json)
        }
    }
}
