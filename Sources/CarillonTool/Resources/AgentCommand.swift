import ArgumentParser
import Contracts

/// `carillon agent`: people who take calls, and whether they take them now.
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: AgentKind.resource.name,
        abstract: AgentKind.resource.abstract,
        discussion: ResourceHelp.statuses,
        subcommands: ResourceCommand<AgentKind>.verbs + [AgentStatusCommand.self]
    )
}

/// `carillon agent status`
struct AgentStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Says whether an agent takes calls.",
        discussion: "Example: carillon agent status ID available"
    )

    @Argument(help: ArgumentHelp("The id of the agent.", valueName: "id"))
    var id: String

    @Argument(help: "available, away, busy or offline.")
    var status: String

    @Flag(help: "One JSON object in a line.")
    var json = false

    @OptionGroup var options: GatewayOptions

    func validate() throws { _ = try AgentKind.resource.idWords([id]) }

    func run() async throws {
        let path = try AgentKind.resource.objectPath(try AgentKind.resource.idWords([id])) + "/status"
        try await ResourceAccess.perform(options) { gateway in
            ResourceAccess.show(try await gateway.put(path, ["status": .string(status)]), asJSON: json)
        }
    }
}
