import ArgumentParser
import Contracts
import EventLog

/// `carillon log history`: the whole life of one thing, over all logs.
struct LogHistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Shows the whole life of one thing, over all logs."
    )

    @Argument(help: "campaign:ID, target:ID, campaigncall:ID, outdial:ID, or a bare ID.")
    var resource: String

    @OptionGroup var directory: DataDirectoryOption
    @Flag(help: "JSON, one event a line.") var json = false
    @Flag(help: "Show numbers and addresses wholly.") var unmasked = false

    func run() async throws {
        let (kind, id) = try LogHistory.parse(resource)
        let entries = try LogHistory.entries(of: id, kind: kind, in: try LogDirectory(path: directory.path))
        guard !entries.isEmpty else { throw ToolError.failed("no log knows \(resource)") }
        for entry in entries {
            let line =
                json
                ? entry.json(isMasked: !unmasked).text : entry.line(isMasked: !unmasked, hasColor: Terminal.hasColor)
            Terminal.write(line + "\n")
        }
    }
}

/// Gathers what several logs know of one thing.
enum LogHistory {
    /// `target:ID` or a bare id; throws one line for anything else.
    static func parse(_ text: String) throws(ToolError) -> (kind: String?, id: ID) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let last = parts.last, let id = ID(last), parts.count == 1 || !parts[0].isEmpty else {
            throw .usage(
                "a resource is written campaign:ID, target:ID, campaigncall:ID, outdial:ID or ID, not '\(text)'"
            )
        }
        return (parts.count == 2 ? String(parts[0]) : nil, id)
    }

    /// The events of its own streams; of a target or a campaigncall also those of its attempts, in every log.
    static func entries(of id: ID, kind: String?, in directory: LogDirectory) throws -> [LogEntry] {
        var streams: Set<String> = []
        if let kind { streams.insert("\(kind)-\(id)") } else { streams = Set(kinds.map { "\($0)-\(id)" }) }
        if kind == "campaigncall" || kind == nil { streams.insert("attempt-\(id)") }
        var entries = try read(streams, directory)
        let attempts = Set(entries.flatMap(attempts)).subtracting([id])
        entries += try read(Set(attempts.flatMap { ["campaigncall-\($0)", "attempt-\($0)"] }), directory)
        return entries.sorted(by: LogEntry.isInOrder)
    }

    private static let kinds = [
        "campaign", "target", "campaigncall", "outdial", "outplan", "customer", "agent", "accesskey", "attempt",
        "worker",
    ]

    /// The attempts that a target's lease began.
    private static func attempts(_ entry: LogEntry) -> [ID] {
        guard entry.event.type == "target_leased" else { return [] }
        return [entry.data["lease"]["attempt_id"].id].compactMap { $0 }
    }

    private static func read(_ streams: Set<String>, _ directory: LogDirectory) throws -> [LogEntry] {
        var entries: [LogEntry] = []
        for log in directory.logs {
            for stream in streams.sorted() {
                entries += try log.reader.events(of: stream).map { LogEntry(log: log.name, event: $0) }
            }
        }
        return entries
    }
}
