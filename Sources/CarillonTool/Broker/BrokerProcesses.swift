import Foundation

/// Helpers of a broker that outlive it: found by a mark in their environment, which every child of ours inherits.
enum BrokerProcesses {
    static let mark = "CARILLON_BROKER_DIRECTORY"

    /// Kills whatever still runs for the broker in `directory`.
    static func killAll(directory: String) {
        let wanted = Array("\(mark)=\(directory)".utf8)
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = pid_t(entry), pid != getpid(),
                let data = FileManager.default.contents(atPath: "/proc/\(pid)/environ"),
                data.split(separator: 0).contains(where: { $0.elementsEqual(wanted) })
            else { continue }
            kill(pid, SIGKILL)
        }
    }
}
