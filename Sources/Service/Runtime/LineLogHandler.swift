package import Contracts
import Glibc
package import Logging

/// How log lines look.
package enum LogFormat: String, Sendable, CaseIterable {
    /// For people on a terminal.
    case text
    /// One JSON object a line.
    case json
    /// `<priority>message key=value`, as systemd's journal reads it.
    case journal

    /// Text on a terminal, the journal's form below systemd, JSON otherwise.
    package static func `default`(_ environment: [String: String]) -> LogFormat {
        if isatty(STDERR_FILENO) == 1 { return .text }
        return environment["JOURNAL_STREAM"] == nil ? .json : .journal
    }
}

/// Writes each log message as one line to standard error: no text can break a line or stand in for another field.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    let format: LogFormat
    let daemon: String
    let clock: @Sendable () -> Timestamp
    let write: @Sendable ([UInt8]) -> Void

    package init(
        daemon: String,
        format: LogFormat,
        level: Logger.Level,
        clock: @escaping @Sendable () -> Timestamp = Clock.wall,
        write: @escaping @Sendable ([UInt8]) -> Void = LineLogHandler.toStandardError
    ) {
        self.daemon = daemon
        self.format = format
        self.logLevel = level
        self.clock = clock
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { all["error"] = .string("\(error)") }
        let pairs = all.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) }
        write(line(event.level, event.message.description, pairs))
    }

    private static let ownFields: Set<String> = ["time", "level", "daemon", "message"]

    func line(_ level: Logger.Level, _ message: String, _ metadata: [(String, String)]) -> [UInt8] {
        switch format {
        case .json:
            var object: JSONObject = [
                "time": .string(clock().rfc3339), "level": .string(level.rawValue), "daemon": .string(daemon),
                "message": .string(message),
            ]
            for (key, value) in metadata {
                object[LineLogHandler.ownFields.contains(key) ? "_\(key)" : key] = .string(value)
            }
            return JSONValue.object(object).bytes + [0x0A]
        case .text:
            let head = "\(clock().rfc3339) \(level.rawValue) \(daemon): "
            return Array("\(head)\(LineLogHandler.oneLine(message))\(pairs(metadata))\n".utf8)
        case .journal:
            return Array("<\(level.journalPriority)>\(LineLogHandler.oneLine(message))\(pairs(metadata))\n".utf8)
        }
    }

    private func pairs(_ metadata: [(String, String)]) -> String {
        metadata.map { key, value in
            let isPlain =
                !value.isEmpty
                && value.unicodeScalars.allSatisfy {
                    $0 != " " && $0 != "\"" && $0 != "=" && !LineLogHandler.breaksLine($0)
                }
            let name = String(key.map { $0 == " " || $0 == "=" || $0.isNewline ? "_" : $0 })
            return " \(LineLogHandler.oneLine(name))=" + (isPlain ? value : "\"\(LineLogHandler.quoted(value))\"")
        }.joined()
    }

    private static func quoted(_ text: String) -> String {
        oneLine(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))
    }

    /// The text with control characters and line separators written as escapes.
    static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: breaksLine) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where breaksLine(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Controls, which a terminal may obey, and the separators that some readers take for the end of a line.
    private static func breaksLine(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}

extension Logger.Level {
    /// The priorities of syslog(3).
    fileprivate var journalPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
