import ArgumentParser
import Contracts
import EventLog

/// `carillon log`: what the logs tell.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Explains what happened, from the logs of a data directory; never writes to them.",
        subcommands: [
            LogShowCommand.self, LogHistoryCommand.self, LogStateCommand.self, LogBlameCommand.self,
            LogBisectCommand.self, LogWhyCommand.self, LogVerifyCommand.self, LogRebuildCommand.self,
        ]
    )
}

/// `carillon log show`: events of all logs, filtered, in the order of their time.
struct LogShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Shows events.")

    @OptionGroup var options: LogOptions
    @Option(help: "Only this stream, such as target-<id>.") var stream: String?
    @Option(help: "Only this type, such as campaigncall_created.") var type: String?
    @Option(help: "Only what names this campaign.") var campaign: String?
    @Option(help: "Only what names this target.") var target: String?
    @Option(help: "Only what names this customer.") var customer: String?
    @Option(help: "Only what this request or delivery led to.") var correlation: String?
    @Option(help: "Only from this time on: 2026-01-31T12:00:00Z. UTC unless it has an offset.") var since: String?
    @Option(help: "Only up to this time.") var until: String?
    @Option(help: "Only this log, such as campaign-manager.") var log: String?
    @Option(help: "At most this many events, the last ones.") var limit: Int?
    @Flag(help: "Go on with new events as they come, until Ctrl-C.") var follow = false
    @Flag(help: "Show numbers and addresses wholly.") var unmasked = false

    func run() async throws {
        let filter = try filter()
        let directory = try options.open()
        let logs = directory.logs.filter { log == nil || $0.name == log }
        guard !logs.isEmpty else {
            throw ToolError.usage(
                "there is no log \(log ?? ""); there are \(directory.logs.map(\.name).joined(separator: ", "))"
            )
        }
        var positions: [String: Int64] = [:]
        try show(logs, filter, &positions, limit: limit)
        while follow {
            try await Task.sleep(for: .milliseconds(200))
            try show(logs, filter, &positions, limit: nil)
        }
    }

    private func show(
        _ logs: [LogDirectory.Log],
        _ filter: LogFilter,
        _ positions: inout [String: Int64],
        limit: Int?
    ) throws {
        var entries: [LogEntry] = []
        for log in logs {
            let head = try log.reader.head()
            try log.reader.forEachEvent(after: positions[log.name] ?? 0, upTo: head) { event in
                let entry = LogEntry(log: log.name, event: event)
                if filter.matches(entry) { entries.append(entry) }
                // The last ones are wanted: what comes before them is let go in time.
                if let limit, entries.count > 2 * limit + 10_000 { entries.removeFirst(entries.count - limit) }
                return true
            }
            positions[log.name] = head
        }
        entries.sort(by: LogEntry.isInOrder)
        let style = options.style(unmasked: unmasked)
        for entry in limit.map({ entries.suffix($0) }) ?? entries[...] {
            let line = options.json ? entry.json(isMasked: !unmasked).text : entry.line(style)
            Terminal.write(line + "\n")
        }
    }

    private func filter() throws(ToolError) -> LogFilter {
        if let limit, limit < 0 { throw .usage("--limit must not be negative, and is \(limit)") }
        var filter = LogFilter(stream: stream, type: type, log: log)
        for (name, value) in [("campaign", campaign), ("target", target), ("customer", customer)] {
            if let id = try LogShowCommand.id(value, name) { filter.ids.append(id) }
        }
        filter.correlation = try LogShowCommand.id(correlation, "correlation")
        filter.since = try LogShowCommand.time(since, "since")
        filter.until = try LogShowCommand.time(until, "until")
        return filter
    }

    private static func id(_ text: String?, _ option: String) throws(ToolError) -> ID? {
        guard let text else { return nil }
        guard let id = ID(text) else { throw .usage("--\(option) must be a UUID, and is '\(text)'") }
        return id
    }

    private static func time(_ text: String?, _ option: String) throws(ToolError) -> Timestamp? {
        guard let text else { return nil }
        guard let time = Timestamp(parsing: text) else {
            throw .usage("--\(option) must be a time such as 2026-01-31T12:00:00, and is '\(text)'")
        }
        return time
    }
}
