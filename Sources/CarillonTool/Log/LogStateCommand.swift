import ArgumentParser
import Contracts
import EventLog

/// `carillon log state`: anything as it was at any moment.
struct LogStateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Shows a thing, or all of a kind, as it was at a moment of the past.",
        discussion: """
            carillon log state campaign:01900000-0000-7000-8000-000000000001 --at 2026-01-31T12:00:00Z
            carillon log state target --where outdial_id=01900000-0000-7000-8000-000000000002 --at outdial-manager:1234
            """
    )

    @Argument(help: "campaign:ID or a bare ID; a kind alone (campaign, target, …) lists all of it.")
    var resource: String

    @Option(help: "A time (2026-01-31T12:00:00Z) or a position (campaign-manager:1234); now when absent.")
    var at: String?
    @Option(name: .customLong("where"), help: "In a list: only those with FIELD=VALUE then; may be repeated.")
    var conditions: [String] = []
    @OptionGroup var options: LogOptions
    @Flag(help: "Show numbers and addresses wholly.") var unmasked = false

    func run() async throws {
        let directory = try options.open()
        let moment = try Moment(at, in: directory)
        let conditions = try conditions.map { try FieldCondition($0) }
        if let kind = ReplayedKind.all.first(where: { $0.name == resource }) {
            try list(kind, moment, conditions, directory)
            return
        }
        let replay = try Replay(resource, in: directory)
        guard let (state, last) = try replay.state(at: moment) else {
            throw ToolError.failed("\(replay.kind.name) \(replay.id) did not exist then")
        }
        if !options.json {
            let time = options.style().time(last.event.recordedAt)
            Terminal.write("as of \(last.position) (\(last.event.type), \(time))\n")
        }
        show(state)
    }

    private func list(
        _ kind: ReplayedKind,
        _ moment: Moment,
        _ conditions: [FieldCondition],
        _ directory: LogDirectory
    ) throws {
        var count = 0
        for log in directory.logs {
            var folds: [String: any ReplayedKind.Fold] = [:]
            var order: [String] = []
            let prefix = "\(kind.name)-"
            try log.reader.forEachEvent { event in
                let entry = LogEntry(log: log.name, event: event)
                guard event.stream.hasPrefix(prefix), event.stream.utf8.count == prefix.utf8.count + 36,
                    moment.includes(entry)
                else { return true }
                if folds[event.stream] == nil { order.append(event.stream) }
                var fold = folds.removeValue(forKey: event.stream) ?? kind.begin()
                try fold.apply(event)
                folds[event.stream] = fold
                return true
            }
            for stream in order {
                guard let state = folds[stream]?.resource, conditions.allSatisfy({ $0.holds(in: state) }) else {
                    continue
                }
                count += 1
                show(state)
            }
        }
        if !options.json { Terminal.write("\(count) of kind \(kind.name)\n") }
    }

    private func show(_ state: JSONValue) {
        let masked = unmasked ? state : Masking.apply(state)
        guard !options.json else { return Terminal.write(ReplayedForm.readable(masked).text + "\n") }
        let shown = ReplayedForm.readable(masked, options.style())
        let width = shown.object?.members.map(\.name.count).max() ?? 0
        for member in shown.object?.members ?? [] {
            Terminal.write("  \(LogEntry.padded(member.name, width))  \(member.value.string ?? member.value.text)\n")
        }
        Terminal.write("\n")
    }
}

/// `FIELD=VALUE`.
struct FieldCondition: Sendable {
    let path: FieldPath
    let value: String

    init(_ text: String) throws(ToolError) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
            throw .usage("a condition is written FIELD=VALUE, such as status=done, not '\(text)'")
        }
        path = FieldPath(text: String(text[..<equals]))
        value = String(text[text.index(after: equals)...])
    }

    /// Whether the field has the value, as it is shown or as it is stored; null is written empty.
    func holds(in json: JSONValue) -> Bool {
        let found = path.value(in: json)
        if found.isNull { return value.isEmpty || value == "null" }
        return value == found.string || value == found.text
            || value == path.value(in: ReplayedForm.readable(json)).string
    }
}

/// Objects of the past in the form in which people read them.
enum ReplayedForm {
    private static let verbatim: Set<String> = ["actions", "option", "variables", "data"]

    /// The value with its times as text: whole numbers of microseconds under a name that says so.
    ///
    /// Without a style they are written as the API writes them.
    static func readable(_ json: JSONValue, _ style: LogStyle? = nil) -> JSONValue {
        switch json {
        case .array(let values): return .array(values.map { readable($0, style) })
        case .object(let object):
            var result = JSONObject()
            for member in object.members { result.append(member.name, readable(member.name, member.value, style)) }
            return .object(result)
        default: return json
        }
    }

    private static func readable(_ name: String, _ json: JSONValue, _ style: LogStyle?) -> JSONValue {
        if verbatim.contains(name) { return json }
        guard name.hasPrefix("tm_") || name.hasSuffix("_at") || name.hasSuffix("_until"),
            let microseconds = json.integer
        else { return readable(json, style) }
        let moment = Timestamp(microseconds: microseconds)
        return .string(style?.time(moment) ?? moment.documented)
    }
}
