import ArgumentParser
import Contracts

/// `carillon target`: the people of an outdial.
struct TargetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "target",
        abstract: TargetKind.resource.abstract,
        discussion: ResourceHelp.statuses,
        subcommands: ResourceCommand<TargetKind>.verbs + [RearmCommand.self]
    )

    /// `carillon target rearm`: dials again who is done.
    struct RearmCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rearm",
            abstract: "Makes targets that are done dialable again, their tries forgotten.",
            discussion: """
                Example: carillon target rearm --outdial ID --reason no_answer --reason busy

                \(ResourceHelp.statuses)
                """
        )

        @Option(help: "The outdial that they are in.")
        var outdial: String

        @Option(help: "Only those that ended for this reason; may be given several times.")
        var reason: [String] = []

        @Option(help: "Only those with this result: success or fail.")
        var result: String?

        @Flag(help: "The answer as one JSON object in a line.")
        var json = false

        @OptionGroup var options: GatewayOptions

        @Argument(help: "The id of one target.")
        var id: String?

        func validate() throws {
            for text in [outdial, id].compactMap({ $0 }) where ID(text) == nil {
                throw ValidationError("ids must be UUIDs, and '\(text)' is none")
            }
            let isChoice = !reason.isEmpty || result != nil
            guard (id == nil) == isChoice else {
                throw ValidationError("give either the id of one target, or --reason and --result")
            }
        }

        func run() async throws {
            let path = "/v1.0/outdials/\(outdial)/targets"
            try await ResourceAccess.perform(options) { gateway in
                if let id {
                    ResourceAccess.show(try await gateway.post("\(path)/\(id)/rearm", [:]), asJSON: json)
                    return
                }
                var body = JSONObject()
                if !reason.isEmpty { body.append("result_reason", .array(reason.map { .string($0) })) }
                if let result { body.append("result", .string(result)) }
                let answer = try await gateway.post("\(path)/rearm", .object(body))
                Terminal.write(
                    json ? answer.text + "\n" : "\(answer["rearmed"].integer ?? 0) targets can be dialed again\n"
                )
            }
        }
    }
}
