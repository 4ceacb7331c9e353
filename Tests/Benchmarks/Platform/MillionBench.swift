import Contracts
import Foundation
import Glibc

/// A list of a million targets: what the daemons keep in memory, and how soon one is back after a kill -9.
struct MillionBench {
    private let settings: BenchSettings
    private let targets: Int
    private let calls = 5000

    init(_ settings: BenchSettings) {
        self.settings = settings
        targets = settings.amount(1_000_000)
    }

    func run() async throws -> [BenchResult] {
        try await Platform.with(settings, name: "million", measure)
    }

    private func measure(_ platform: Platform) async throws -> [BenchResult] {
        var outdial = ""
        let time = try await seconds {
            outdial = try await platform.makeOutdial(targets, say: settings.say)
        }
        var results = [
            BenchResult("import of \(targets) targets", "targets/s", [Double(targets) / time], note: "CSV over HTTP")
        ]
        try await Task.sleep(for: .seconds(5))
        results += try memory(platform, "", note: "resident 5 s after the import; the most ever is in the next lines")
        settings.say("million: \(calls) calls")
        let campaign = try await platform.startCampaign(on: outdial)
        _ = try await platform.wait(for: campaign, within: .seconds(300)) {
            ($0["progress"]["calls"].integer ?? 0) >= calls
        }
        try await platform.setStatus(campaign, "stop")
        _ = try await platform.wait(for: campaign, within: .seconds(60)) { $0["status"].string == "stop" }
        let note = "the most that was ever resident, import and \(calls) calls included"
        results += try memory(platform, ", peak", note: note)
        results.append(try await restart(platform))
        return results
    }

    private func memory(_ platform: Platform, _ kind: String, note: String) throws -> [BenchResult] {
        try Platform.daemons.map { name in
            let figures = try platform.figures(name)
            let value = kind.isEmpty ? figures.residentMiB : figures.peakMiB
            return BenchResult("memory, \(targets)\(kind): \(name)", "MiB", [value], note: note)
        }
    }

    // MARK: - Restarting

    /// Kills outdial-manager again and again, and measures from each start to the first 200 of its /readyz.
    ///
    /// `carillon up` is held still meanwhile: it would start one too.
    private func restart(_ platform: Platform) async throws -> BenchResult {
        guard let pid = platform.pids["outdial-manager"] else { throw BenchFailure("no outdial-manager") }
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
        let drop: Set = ["NOTIFY_SOCKET", "CARILLON_DIE_WITH_PARENT", "LD_PRELOAD"]
        let environment = try ProcessFigures.environment(of: pid).filter { !drop.contains($0.key) }
        // It dies in the middle of work, so that there is something to recover.
        let load = Task { try await platform.makeOutdial(50_000) }
        try await Task.sleep(for: .seconds(1))
        settings.say("million: killing outdial-manager")
        kill(platform.supervisor, SIGSTOP)
        defer { kill(platform.supervisor, SIGCONT) }
        try await end(pid)
        load.cancel()
        var times: [Double] = []
        for _ in 0..<settings.pairs {
            let daemon = try Daemon(program, environment, log: "\(settings.directory)/restart.log")
            let time = try await daemon.awaitReady(within: .seconds(60))
            settings.say("million: ready after \(time) s")
            times.append(time)
            try await end(daemon.pid)
            Stopper.shared.forget(daemon.pid)
        }
        let note =
            "outdial-manager from exec to /readyz 200, with \(targets) events in its log; first killed during an import"
        return BenchResult("restart after kill -9", "s", times, note: note)
    }

    private func end(_ pid: pid_t) async throws {
        kill(pid, SIGKILL)
        let limit = ContinuousClock.now + .seconds(10)
        while let state = ProcessFigures.state(of: pid), state != "Z" {
            guard ContinuousClock.now < limit else { throw BenchFailure("process \(pid) does not end") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
