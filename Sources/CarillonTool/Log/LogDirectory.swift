import Contracts
import EventLog
import Foundation

/// The logs of a data directory, opened for reading alone.
struct LogDirectory {
    /// One log and the name that its positions are written with: `campaign-manager`, `dialer-worker.1`.
    struct Log {
        var name: String
        var reader: LogReader
    }

    let path: String
    let logs: [Log]

    /// Opens every `*.db`; throws one line when there is none or one cannot be read.
    init(path: String) throws {
        self.path = path
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw ToolError.configuration("\(path) is not a directory that can be read; give --data-dir")
        }
        let files = names.filter { $0.hasSuffix(".db") }.sorted()
        guard !files.isEmpty else {
            throw ToolError.configuration("there is no log (*.db) in \(path); give the --data-dir of `carillon up`")
        }
        logs = try files.map { Log(name: String($0.dropLast(3)), reader: try LogReader(path: "\(path)/\($0)")) }
    }

    var campaignManager: LogReader? { logs.first { $0.name == Manager.campaign.rawValue }?.reader }
    var outdialManager: LogReader? { logs.first { $0.name == Manager.outdial.rawValue }?.reader }
    var journals: [Log] { logs.filter { $0.name.hasPrefix("dialer-worker") } }
}

/// An event and the log that holds it.
struct LogEntry: Sendable {
    var log: String
    var event: RecordedEvent

    /// `campaign-manager:1234`.
    var position: String { "\(log):\(event.position)" }

    /// The data, null once it was erased or when it is no JSON.
    var data: JSONValue { event.data.flatMap { try? JSONValue(parsing: $0) } ?? .null }

    /// By time, then by position.
    static func isInOrder(_ left: LogEntry, _ right: LogEntry) -> Bool {
        let (first, second) = (left.event, right.event)
        if first.recordedAt != second.recordedAt { return first.recordedAt < second.recordedAt }
        return left.log == right.log ? first.position < second.position : left.log < right.log
    }
}
