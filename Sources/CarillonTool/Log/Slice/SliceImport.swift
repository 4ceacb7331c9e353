import Contracts
import EventLog
import Foundation

/// Makes logs of the file of a slice.
struct SliceImport {
    private let directory: String
    private var logs: [String: Begun] = [:]
    private(set) var scope = ""
    private(set) var events = 0
    /// What could not be folded into rows.
    private(set) var problems: [String] = []

    private struct Begun {
        var writer: SliceWriter
        var note: JSONValue
        var partial: Set<String>
        var expected: Int64
        var count: Int64 = 0
    }

    /// Reads the whole file; `directory` must hold no log.
    init(_ bytes: some Collection<UInt8>, into directory: String) throws {
        self.directory = directory
        var number = 0
        for line in bytes.lazy.split(separator: UInt8(ascii: "\n")) {
            number += 1
            do {
                let json = try JSONValue(parsing: Array(line))
                if number == 1 { try begin(json) } else { try add(json) }
            } catch let error as ToolError {
                throw ToolError(status: error.status, "line \(number): \(error.message)")
            } catch let error as EventLogError {
                throw ToolError.failed("line \(number): \(error.message)")
            } catch {
                throw ToolError.failed("line \(number) is not what `carillon log export` writes: \(error)")
            }
        }
        guard number > 0 else { throw ToolError.failed("the file is empty") }
        try finish()
    }

    var names: [String] { logs.keys.sorted() }

    private mutating func begin(_ header: JSONValue) throws {
        guard let version = header["carillon_slice"].integer else {
            throw ToolError.failed("this is not a slice: it has no header")
        }
        guard version <= SliceFormat.version else {
            throw ToolError.failed(
                "the slice has format \(version), this version knows up to \(SliceFormat.version); use a newer one"
            )
        }
        scope = try header.requireString("scope")
        for log in try header.requireArray("logs") {
            let name = try log.requireString("name")
            guard !name.isEmpty, !name.contains("/"), logs[name] == nil else {
                throw ToolError.failed("the name of a log, '\(name)', is not one")
            }
            var note: JSONObject = [
                "scope": header["scope"], "masked": header["masked"], "tool": header["tool"],
                "left_out": log["left_out"], "head": log["head"],
            ]
            if log["left_out"].isNull { note.remove("left_out") }
            logs[name] = Begun(
                writer: try SliceWriter(
                    path: "\(directory)/\(name).db",
                    logID: try log.requireID("log_id"),
                    schema: LogProjections.schema(of: name)
                ),
                note: .object(note),
                partial: Set(log["partial"].array?.compactMap(\.string) ?? []),
                expected: try log.requireInteger("events")
            )
        }
    }

    private mutating func add(_ line: JSONValue) throws {
        let (log, stored, prior) = try SliceFormat.event(line)
        guard let begun = logs[log] else { throw ToolError.failed("the header has no log \(log)") }
        try begun.writer.append(stored, prior: prior)
        logs[log]?.count += 1
        events += 1
    }

    private mutating func finish() throws {
        for (name, log) in logs where log.count != log.expected {
            throw ToolError.failed(
                "the file was cut: \(name) has \(log.count) of \(log.expected) events; export it again"
            )
        }
        for (name, log) in logs.sorted(by: { $0.key < $1.key }) {
            problems += try log.writer.finish(
                note: log.note,
                partial: log.partial,
                projections: LogProjections.of(name)
            )
        }
    }
}
