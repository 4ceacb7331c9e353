import ArgumentParser
import Contracts
import EventLog

/// `carillon log why`: in plain words, why somebody was called, or was not.
struct LogWhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Says in sentences why somebody was called, or what stands in the way now.",
        discussion: """
            carillon log why target:01900000-0000-7000-8000-000000000001
            carillon log why campaigncall:01900000-0000-7000-8000-000000000002 --at 2026-01-31T12:00:00Z

            Each sentence names the events that say so.
            """
    )

    @Argument(help: "target:ID, campaigncall:ID, attempt:ID, or a bare ID.") var resource: String
    @Option(help: "As of this time or position; now when absent.") var at: String?
    @OptionGroup var options: LogOptions
    @Flag(help: "Show numbers, addresses and names wholly.") var unmasked = false

    func run() async throws {
        let directory = try options.open()
        let past = Past(directory, try Moment(at, in: directory))
        let style = options.style(unmasked: unmasked)
        let found = try Why(past, style).explain(resource)
        Terminal.write(options.json ? found.json.text + "\n" : found.text(style))
    }
}

/// Explains targets and attempts from what the logs hold.
struct Why {
    let past: Past
    let style: LogStyle

    init(_ past: Past, _ style: LogStyle) {
        self.past = past
        self.style = style
    }

    /// `target:ID`, `campaigncall:ID`, `attempt:ID`, or a bare ID of one of them.
    func explain(_ resource: String) throws -> Explanation {
        let (kind, id) = try LogHistory.parse(resource)
        switch kind {
        case "target":
            if let found = try target(id) { return found }
        case "campaigncall", "attempt":
            if let found = try attempt(id) { return found }
        case nil:
            if let found = try target(id) ?? attempt(id) { return found }
        default: throw ToolError.usage("why is asked of a target, a campaigncall or an attempt, not of \(resource)")
        }
        throw ToolError.failed(past.isPresent ? "no log knows \(resource)" : "\(resource) did not exist then")
    }
}
