import ArgumentParser
import Contracts
import EventLog

/// `carillon log blame`: what wrote a field last, and what led to that.
struct LogBlameCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blame",
        abstract: "Shows the event that last wrote a field, and the chain of causes that led to it.",
        discussion: "carillon log blame target:01900000-0000-7000-8000-000000000001 result_reason"
    )

    @Argument(help: "campaign:ID, target:ID, campaigncall:ID, … or a bare ID.") var resource: String
    @Argument(help: "A field of the object: status, progress.idle, destination_0.target.") var field: String
    @Option(help: "As of this time or position; now when absent.") var at: String?
    @OptionGroup var options: LogOptions
    @Flag(help: "Show numbers and addresses wholly.") var unmasked = false

    func run() async throws {
        let directory = try options.open()
        let moment = try Moment(at, in: directory)
        let replay = try Replay(resource, in: directory)
        let path = FieldPath(text: field)
        try path.require(in: replay)
        guard let change = try FieldChange.last(of: path, in: replay, at: moment) else {
            throw ToolError.failed("\(replay.kind.name) \(replay.id) did not exist then")
        }
        let chain = try Causes.chain(of: change.entry, in: directory)
        if options.json {
            let document: JSONValue = [
                "field": .string(field), "before": shown(change.before), "after": shown(change.after),
                "event": change.entry.json(isMasked: !unmasked),
                "causes": .array(chain.map { $0.json(isMasked: !unmasked) }),
            ]
            return Terminal.write(document.text + "\n")
        }
        Terminal.write("\(field): \(text(change.before)) -> \(text(change.after)), by \(change.entry.event.actor)\n")
        let style = options.style(unmasked: unmasked)
        for entry in [change.entry] + chain { Terminal.write(entry.line(style) + "\n") }
    }

    private func shown(_ value: JSONValue) -> JSONValue {
        let wrapped = ReplayedForm.readable([field.split(separator: ".").last.map(String.init) ?? field: value])
        return (unmasked ? wrapped : Masking.apply(wrapped)).object?.members.first?.value ?? .null
    }

    private func text(_ value: JSONValue) -> String {
        let shown = shown(value)
        return shown.string.map { "\"\($0)\"" } ?? shown.text
    }
}

/// The event that wrote a field.
struct FieldChange {
    var entry: LogEntry
    var before: JSONValue
    var after: JSONValue

    /// The last one that changed the field before `moment`; the object's first event when nothing ever did.
    static func last(of path: FieldPath, in replay: Replay, at moment: Moment) throws -> FieldChange? {
        var found: FieldChange?
        try replay.walk { entry, before, after in
            guard moment.includes(entry) else { return false }
            let (old, new) = (path.value(in: before), path.value(in: after))
            if found == nil || old.text != new.text { found = FieldChange(entry: entry, before: old, after: new) }
            return true
        }
        return found
    }
}
