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

/// Writes each log message as one line to standard error, with one `write`, so that lines never mix.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    let format: LogFormat
    let daemon: String
    let clock: @Sendable () -> Timestamp
    let write: @Sendable ([UInt8]) -> Void

    package init(
        daemon: String, format: LogFormat, level: Logger.Level, clock: @escaping @Sendable () -> Timestamp = Clock.wall,
        write: @escaping @Sendable ([UInt8]) -> Void = LineLogHandler.toStandardError
    ) {
        self.daemon = daemon
        self.format = format
        self.logLevel = level
        self.clock = clock
        self.write = write
    }

    package static let toStandardError: @Sendable ([UInt8]) -> Void = { line in
        // Nobody can be told that the log cannot be written.
        _ = Glibc.write(STDERR_FILENO, line, line.count)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        write(line(event.level, event.message.description, all.map { ($0.key, $0.value.description) }))
    }

    func line(_ level: Logger.Level, _ message: String, _ metadata: [(String, String)]) -> [UInt8] {
        switch format {
        case .json:
            var object: JSONObject = [
                "time": .string(clock().rfc3339), "level": .string(level.rawValue), "daemon": .string(daemon),
                "message": .string(message),
            ]
            for (key, value) in metadata { object[key] = .string(value) }
            return JSONValue.object(object).bytes + [0x0A]
        case .text:
            return Array("\(clock().rfc3339) \(level.rawValue) \(daemon): \(message)\(pairs(metadata))\n".utf8)
        case .journal: return Array("<\(level.journalPriority)>\(message)\(pairs(metadata))\n".utf8)
        }
    }

    private func pairs(_ metadata: [(String, String)]) -> String {
        metadata.map { key, value in
            let needsQuotes = value.isEmpty || value.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0.isNewline }
            return " \(key)=" + (needsQuotes ? JSONValue.string(value).text : value)
        }.joined()
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
