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

    /// Makes orphans of our children ours, so that ``reapOrphans()`` can see the last of them off.
    static func adoptOrphans() {
        let setChildSubreaper: Int32 = 36
        _ = ProcessControl.call(setChildSubreaper, 1)
    }

    /// Reaps the helpers that were left to us. Only once no child of ours is waited for any more.
    static func reapOrphans() async {
        let end = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < end {
            let found = waitpid(-1, nil, WNOHANG)
            if found < 0, errno == ECHILD { return }
            if found == 0 { try? await Task.sleep(for: .milliseconds(10)) }
        }
    }
}
