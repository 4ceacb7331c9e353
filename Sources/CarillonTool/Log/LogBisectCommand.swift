import ArgumentParser
import Contracts
import EventLog

/// `carillon log bisect`: since when something holds.
struct LogBisectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bisect",
        abstract: "Shows the first event after which a field has a value.",
        discussion: "carillon log bisect campaign:01900000-0000-7000-8000-000000000001 status=stopping"
    )

    @Argument(help: "campaign:ID, target:ID, campaigncall:ID, … or a bare ID.") var resource: String
    @Argument(help: "FIELD=VALUE, such as status=done.") var condition: String
    @OptionGroup var options: LogOptions
    @Flag(help: "Show numbers and addresses wholly.") var unmasked = false

    func run() async throws {
        let condition = try FieldCondition(condition)
        let replay = try Replay(resource, in: try options.open())
        try condition.path.require(in: replay)
        var first: LogEntry?
        try replay.walk { entry, _, after in
            if condition.holds(in: after) { first = entry }
            return first == nil
        }
        guard let first else {
            throw ToolError.failed(
                "\(condition.path.text) of \(replay.kind.name) \(replay.id) was never \(condition.value)"
            )
        }
        let style = options.style(unmasked: unmasked)
        Terminal.write((options.json ? first.json(isMasked: !unmasked).text : first.line(style)) + "\n")
    }
}
