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
            self.init(status: arguments.first == "log" ? 64 : 78, "\(message); see `\(help)`")
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
        "verify", "rebuild", "demo",
    ]
}
