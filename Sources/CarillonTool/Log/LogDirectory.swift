import Contracts
import EventLog
import Foundation

/// The logs of a data directory, opened for reading alone.
struct LogDirectory {
    /// One log and the name that its positions are written with: `campaign-manager`, `dialer-worker.1`.
    struct Log {
        var name: String
        var reader: LogReader
        /// What it declares when it is only a part of another log.
        var slice: Slice?
    }

    /// A file that is no log, or one that this version cannot read.
    struct Unreadable {
        var file: String
        var error: EventLogError
    }

    let path: String
    let logs: [Log]
    /// Those that were passed over.
    let unreadable: [Unreadable]

    /// Opens every `*.db`; throws one line when there is none or one cannot be read.
    ///
    /// - Parameter skipsUnreadable: whether the others are enough.
    init(path: String, skipsUnreadable: Bool = false) throws {
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
        var logs: [Log] = []
        var unreadable: [Unreadable] = []
        for file in files {
            do {
                let reader = try LogReader(path: "\(path)/\(file)")
                logs.append(Log(name: String(file.dropLast(3)), reader: reader, slice: try reader.slice()))
            } catch let error as EventLogError where skipsUnreadable {
                unreadable.append(Unreadable(file: file, error: error))
            }
        }
        self.logs = logs
        self.unreadable = unreadable
    }

    /// Whether these are parts of logs, which do not say what went on beside.
    var isSlice: Bool { logs.contains { $0.slice != nil } }

    /// Whether everything of this kind is there: a slice may have left some of it out.
    func hasAll(_ kind: String) -> Bool {
        logs.allSatisfy { $0.slice?.note["left_out"][kind].isNull ?? true }
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
