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

    /// Reaps, for as long as it is not cancelled, the helpers that were left to us: the broker starts some every minute, and
    /// their remains would fill the table of processes. A child of ours is waited for by whoever started it, at once: what
    /// is still there at the next look is nobody's.
    static func reapOrphansWhileRunning() async {
        var seen: Set<pid_t> = []
        while !Task.isCancelled {
            let ended = endedChildren()
            for pid in ended.intersection(seen) { _ = waitpid(pid, nil, WNOHANG) }
            seen = ended
            try? await Task.sleep(for: .seconds(15))
        }
    }

    /// The children that have ended and were not waited for.
    static func endedChildren() -> Set<pid_t> {
        var found: Set<pid_t> = []
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            // "123 (name of it) Z 45 …": the name may hold anything.
            guard let pid = pid_t(entry), let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat"),
                let name = stat.lastIndex(of: UInt8(ascii: ")"))
            else { continue }
            let fields = stat[name...].split(separator: UInt8(ascii: " "))
            guard fields.count > 2, fields[1].elementsEqual("Z".utf8), fields[2].elementsEqual("\(getpid())".utf8)
            else {
                continue
            }
            found.insert(pid)
        }
        return found
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
