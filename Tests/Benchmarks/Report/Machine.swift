import CFloor
import Contracts
import Foundation
import Glibc

/// Where the figures were taken: they mean nothing without it.
struct Machine: Sendable {
    var processor: String
    var cores: Int
    var kernel: String
    var memoryMiB: Int
    /// The load of the last minute before anything was measured: above zero, others were at work.
    var load: Double
    var sqlite: String
    var librabbitmq: String
    var broker: String
    var directory: String
    var fileSystem: String
    /// The median time of an fdatasync after an append of 4 KiB, before and after the benchmarks.
    var syncMilliseconds: [Double]

    init(directory: String) throws {
        self.directory = directory
        cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        memoryMiB = (sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))) >> 20
        kernel = Machine.text("/proc/sys/kernel/osrelease")
        load = Double(Machine.text("/proc/loadavg").split(separator: " ").first ?? "") ?? 0
        let model = Machine.text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
        processor = model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
        sqlite = String(cString: floor_sqlite_version())
        librabbitmq = String(cString: floor_rabbitmq_version())
        let version = try? Command.run("/usr/lib/rabbitmq/bin/rabbitmqctl", ["version"], ["HOME": directory])
        broker = version?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "not installed"
        fileSystem = Machine.fileSystem(of: directory)
        syncMilliseconds = [try Machine.syncMedian(directory)]
    }

    private static func text(_ path: String) -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The kind of the mount with the longest path above `directory`.
    private static func fileSystem(of directory: String) -> String {
        let mounts = text("/proc/mounts").split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        let above = mounts.filter { mount in
            mount.count > 2 && (directory + "/").hasPrefix(mount[1] == "/" ? "/" : mount[1] + "/")
        }
        // Of two mounts on one path, the later one is seen.
        return above.enumerated().max { ($0.element[1].count, $0.offset) < ($1.element[1].count, $1.offset) }?
            .element[2] ?? "unknown"
    }

    static func syncMedian(_ directory: String) throws -> Double {
        try Floor.seconds { floor_sync_median("\(directory)/sync", 300) } * 1000
    }

    var isInMemory: Bool { ["tmpfs", "ramfs"].contains(fileSystem) }

    var lines: [String] {
        let syncs = syncMilliseconds.map { String(format: "%.2f ms", $0) }.joined(separator: " before, ")
        return [
            "\(cores) cores (\(processor)), \(memoryMiB) MiB, Linux \(kernel), load before \(load)",
            "SQLite \(sqlite), RabbitMQ \(broker), librabbitmq \(librabbitmq)",
            "data in \(directory) (\(fileSystem)\(isInMemory ? ": IN MEMORY, nothing here is durable" : ""))",
            "fdatasync p50 \(syncs)\(syncMilliseconds.count > 1 ? " after" : "")",
        ]
    }

    var json: JSONValue {
        [
            "processor": .string(processor), "cores": .integer(cores), "memory_mib": .integer(memoryMiB),
            "kernel": .string(kernel), "load": .double(load), "sqlite": .string(sqlite), "rabbitmq": .string(broker),
            "librabbitmq": .string(librabbitmq), "directory": .string(directory),
            "file_system": .string(fileSystem),
            "fdatasync_p50_ms": .array(syncMilliseconds.map { .double($0) }),
        ]
    }
}
