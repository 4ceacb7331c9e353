import ArgumentParser
import Contracts
import EventLog
import GRDB

/// `carillon log history`: the whole life of one thing, over all logs.
struct LogHistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Shows the whole life of one thing over all logs, each event with what caused it.",
        discussion: """
            carillon log history target:01900000-0000-7000-8000-000000000001
            carillon log history agent:01900000-0000-7000-8000-000000000002 --json
            """
    )

    @Argument(help: "campaign:ID, target:ID, campaigncall:ID, agent:ID, queuecall:ID, … or a bare ID.")
    var resource: String

    @OptionGroup var options: LogOptions
    @Flag(help: "Show numbers and addresses wholly.") var unmasked = false

    func run() async throws {
        let (kind, id) = try LogHistory.parse(resource)
        let directory = try options.open()
        let entries = try LogHistory.entries(of: id, kind: kind, in: directory)
        guard !entries.isEmpty else { throw ToolError.failed("no log knows \(resource)") }
        let style = options.style(unmasked: unmasked)
        var causes = Causes(directory)
        for entry in entries {
            let cause = try causes.cause(of: entry)
            Terminal.write(options.json ? json(entry, cause) + "\n" : text(entry, cause, style) + "\n")
        }
    }

    private func json(_ entry: LogEntry, _ cause: Cause) -> String {
        guard var object = entry.json(isMasked: !unmasked).object else { return "" }
        object.append("because", cause.json)
        return JSONValue.object(object).text
    }

    private func text(_ entry: LogEntry, _ cause: Cause, _ style: LogStyle) -> String {
        entry.line(style, showsCause: false) + "\n"
            + Style.dim.apply("    because of \(cause.text)", style.hasColor)
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

    /// A request with more events than this says nothing of one of them: it imported a list, say.
    private static let mostOfARequest = 2000

    /// The events of its own streams and those of its attempts; of other streams those that name it and belong to the
    /// same requests and messages; and what is named as the cause of any of these. In the order of their time.
    static func entries(of id: ID, kind: String?, in directory: LogDirectory) throws -> [LogEntry] {
        if let kind { _ = try ReplayedKind.named(kind) }
        var streams: Set<String> = []
        if let kind {
            streams.insert("\(kind)-\(id)")
        } else {
            streams = Set(ReplayedKind.all.map { "\($0.name)-\(id)" })
        }
        // A campaigncall and the worker's attempt are two sides of one thing.
        if kind == "campaigncall" || kind == "attempt" { streams.formUnion(["campaigncall-\(id)", "attempt-\(id)"]) }
        var gathered = Gathered(try read(streams, directory))
        guard !gathered.isEmpty else { return [] }
        let attempts = Set(gathered.entries.flatMap(attempts)).subtracting([id])
        gathered.add(try read(Set(attempts.flatMap { ["campaigncall-\($0)", "attempt-\($0)"] }), directory))
        let wanted = attempts.union([id])
        for correlation in Set(gathered.entries.map(\.event.correlation)) {
            for log in directory.logs {
                let found = try log.reader.events(
                    "WHERE correlation_id = ? ORDER BY position LIMIT ?",
                    [correlation, mostOfARequest + 1]
                )
                guard found.count <= mostOfARequest else { continue }
                gathered.add(
                    found.filter { event in wanted.contains { LogFilter.mentions($0, event) } }
                        .map { LogEntry(log: log.name, event: $0) }
                )
            }
        }
        for entry in gathered.entries { gathered.add(try Causes.chain(of: entry, in: directory)) }
        return gathered.entries.sorted(by: LogEntry.isInOrder)
    }

    /// Each event once.
    private struct Gathered {
        private(set) var entries: [LogEntry] = []
        private var known: Set<ID> = []

        init(_ entries: [LogEntry]) { add(entries) }
        var isEmpty: Bool { entries.isEmpty }

        mutating func add(_ more: [LogEntry]) {
            for entry in more where known.insert(entry.event.id).inserted { entries.append(entry) }
        }
    }

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
