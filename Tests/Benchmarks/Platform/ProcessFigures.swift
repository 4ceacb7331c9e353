import Foundation
import Glibc

/// What the kernel says about a process.
struct ProcessFigures: Sendable {
    /// User and system time since its start, of all its threads.
    var cpuSeconds: Double
    var residentMiB: Double
    /// The most that was ever resident.
    var peakMiB: Double

    init(_ pid: pid_t) throws {
        // The name, in parentheses, may hold spaces; user and system time are the fields 14 and 15.
        guard let fields = ProcessFigures.fields(of: pid), fields.count > 12,
            let user = Double(fields[11]), let system = Double(fields[12])
        else { throw BenchFailure("process \(pid) is gone") }
        cpuSeconds = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        func mebibytes(_ name: String) -> Double {
            let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
            return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
        }
        residentMiB = mebibytes("VmRSS")
        peakMiB = mebibytes("VmHWM")
    }

    /// The letter of its state; nil when there is no such process.
    static func state(of pid: pid_t) -> String? { fields(of: pid)?.first }

    /// The fields behind the name: the first is the state.
    private static func fields(of pid: pid_t) -> [String]? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        return text[text.index(after: end)...].split(separator: " ").map(String.init)
    }

    /// The variables that a process was started with.
    static func environment(of pid: pid_t) throws -> [String: String] {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else {
            throw BenchFailure("process \(pid) is gone")
        }
        return data.split(separator: 0).reduce(into: [:]) { variables, entry in
            let parts = String(decoding: entry, as: UTF8.self).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        }
    }
}
