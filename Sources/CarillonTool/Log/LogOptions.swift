import ArgumentParser
import Contracts
import Foundation

/// What every command of `log` takes: where the logs are, and how what it finds is written.
struct LogOptions: ParsableArguments {
    @OptionGroup var directory: DataDirectoryOption
    @Flag(help: "JSON, one document a line; its times are always UTC.") var json = false
    @Flag(help: "Write times in UTC, not in the local zone.") var utc = false

    func open() throws -> LogDirectory { try LogDirectory(path: directory.path) }

    func style(unmasked: Bool = false) -> LogStyle {
        LogStyle(isMasked: !unmasked, hasColor: Terminal.hasColor, zone: utc ? nil : .current)
    }
}

/// How events, times and people are written.
struct LogStyle: Sendable {
    /// Whether numbers, addresses and names are hidden.
    var isMasked = true
    var hasColor = false
    /// The zone of times; nil is UTC.
    var zone: TimeZone?

    /// For programs and tests: masked, plain, in UTC.
    static let plain = LogStyle()

    /// For a person at this terminal: masked, in the local zone.
    static var terminal: LogStyle { LogStyle(hasColor: Terminal.hasColor, zone: .current) }

    /// `2026-01-31 13:00:00.123+01:00`, or with a `Z` in UTC: `--at` takes it as it is.
    func time(_ moment: Timestamp) -> String {
        guard moment < LogStyle.farthest else { return "never" }
        let offset = zone.map { Int64($0.secondsFromGMT(for: date(moment))) }
        let local = Timestamp(microseconds: moment.microseconds + (offset ?? 0) * 1_000_000)
        return local.documented.prefix(23) + LogStyle.text(offset)
    }

    /// The same without the date, to the second.
    func clock(_ moment: Timestamp) -> String { String(time(moment).dropFirst(11).prefix(8)) }

    /// What the API calls never, and what has no end.
    private static let farthest = Timestamp.never

    private func date(_ moment: Timestamp) -> Date {
        Date(timeIntervalSince1970: Double(moment.microseconds) / 1_000_000)
    }

    private static func text(_ offset: Int64?) -> String {
        guard let offset else { return "Z" }
        let minutes = abs(offset) / 60
        return (offset < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60)
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// A number or an address, down to its last four characters unless it may be seen.
    func number(_ text: String) -> String { isMasked ? Address.masked(text) : text }

    /// What a person is called; hidden unless it may be seen.
    func person(_ name: String) -> String { isMasked ? "" : name }
}
