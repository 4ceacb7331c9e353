import ArgumentParser
import EventLog

/// Why a command ends without having done its work: one line for a person, and the exit status.
struct ToolError: Error, Hashable, CustomStringConvertible {
    var status: Int32
    var message: String

    init(status: Int32, _ message: String) {
        self.status = status
        self.message = message
    }

    /// Something went wrong, or something was found.
    static func failed(_ message: String) -> ToolError { ToolError(status: 1, message) }
    /// A wrong option or argument of `log`.
    static func usage(_ message: String) -> ToolError { ToolError(status: 64, message) }
    /// Nobody answers there.
    static func unreachable(_ message: String) -> ToolError { ToolError(status: 69, message) }
    /// It may work later.
    static func temporary(_ message: String) -> ToolError { ToolError(status: 75, message) }
    /// A wrong option or setting of anything else.
    static func configuration(_ message: String) -> ToolError { ToolError(status: 78, message) }

    var description: String { message }
}

extension ToolError {
    /// The line and the status for any error that a command ended with.
    init(_ error: any Error, arguments: [String]) {
        if let known = error as? ToolError {
            self = known
        } else if let log = error as? EventLogError {
            self.init(status: 1, log.message)
        } else if Carillon.exitCode(for: error) == .validationFailure {
            let names = arguments.prefix { !$0.hasPrefix("-") }.prefix(2).filter { CommandNames.all.contains($0) }
            let help = (["carillon"] + names + ["--help"]).joined(separator: " ")
            let message = ToolError.oneLine(Carillon.message(for: error))
            self.init(status: CommandNames.usageStatus(arguments), "\(message); see `\(help)`")
        } else {
            self.init(status: 1, ToolError.oneLine("\(error)"))
        }
    }

    /// The text on one line, its sentences without the last full stop.
    static func oneLine(_ text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.drop(while: { $0 == " " }) }
        var line = lines.joined(separator: " ")
        while line.hasSuffix(".") || line.hasSuffix(" ") { line.removeLast() }
        return line
    }
}

extension Carillon {
    /// What is wrong with a command line; nil when it can be run.
    static func failure(_ arguments: [String]) -> ToolError? {
        do {
            _ = try parseAsRoot(arguments)
            return nil
        } catch {
            return ToolError(error, arguments: arguments)
        }
    }
}

/// The names of all commands, to tell them from their arguments.
enum CommandNames {
    static let all: Set<String> = [
        "up", "account", "create", "list", "import", "campaign", "run", "stop", "watch", "log", "show", "history",
        "verify", "rebuild", "why", "state", "blame", "bisect", "demo", "outdial", "target", "outplan", "campaigncall",
        "agent", "queue", "flow",
        "accesskey", "customer", "get", "set", "delete", "results", "rehearse", "rearm", "dialing", "on", "off",
    ]

    /// Those that speak of objects end with 2; the others had statuses before these came.
    private static let older: Set<String> = ["run", "stop", "watch"]

    /// The exit status for a command line that is wrong.
    static func usageStatus(_ arguments: [String]) -> Int32 {
        guard let first = arguments.first else { return 78 }
        if first == "log" { return 64 }
        let isOfObjects = ResourceTable.contains(first) && !(arguments.count > 1 && older.contains(arguments[1]))
        return isOfObjects || first == "dialing" ? 2 : 78
    }
}
