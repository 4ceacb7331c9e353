import Contracts
import Foundation
import NIOHTTP1

/// Reads of one campaign through the gateway, as dashboards make them, while that campaign dials.
struct GatewayBench {
    private static let program = "/usr/bin/wrk"
    private static let attemptsPerSecond = 200

    private let settings: BenchSettings
    private let seconds: Int

    init(_ settings: BenchSettings) {
        self.settings = settings
        seconds = settings.isQuick ? 2 : 10
    }

    /// What one run of wrk has seen.
    private struct Run {
        var requestsPerSecond: Double
        var medianMilliseconds: Double
        var p99Milliseconds: Double

        /// Reads what `wrk --latency` prints; throws when not every answer was a good one.
        init(_ text: String) throws {
            guard !text.contains("Non-2xx"), !text.contains("Socket errors") else {
                throw BenchFailure("wrk was not always answered with 200: \(text)")
            }
            func value(after name: String) -> Substring? {
                let line = text.split(separator: "\n").first { $0.split(separator: " ").first == Substring(name) }
                return line?.split(separator: " ").last
            }
            guard let rate = value(after: "Requests/sec:").flatMap({ Double($0) }),
                let median = value(after: "50%").flatMap(Run.milliseconds),
                let p99 = value(after: "99%").flatMap(Run.milliseconds)
            else { throw BenchFailure("wrk says something else: \(text)") }
            requestsPerSecond = rate
            medianMilliseconds = median
            p99Milliseconds = p99
        }

        private static func milliseconds(_ text: Substring) -> Double? {
            for (unit, factor) in [("us", 0.001), ("ms", 1), ("s", 1000)] where text.hasSuffix(unit) {
                return Double(text.dropLast(unit.count)).map { $0 * factor }
            }
            return nil
        }
    }

    func run() async throws -> [BenchResult] {
        guard FileManager.default.isExecutableFile(atPath: GatewayBench.program) else {
            throw BenchFailure("wrk is missing: apt-get install wrk, or start this with deploy/bench")
        }
        // One machine asks as fast as it can: no limit may answer in place of the gateway.
        let environment = ["CARILLON_RATE_ADDRESS": "0", "CARILLON_RATE_CUSTOMER": "0"]
        return try await Platform.with(settings, name: "gateway", environment: environment, measure)
    }

    private func measure(_ platform: Platform) async throws -> [BenchResult] {
        let targets = GatewayBench.attemptsPerSecond * (seconds * settings.pairs + 60)
        let outdial = try await platform.makeOutdial(targets)
        let campaign = try await platform.startCampaign(
            on: outdial,
            settings: ["calls_per_second": .integer(GatewayBench.attemptsPerSecond)]
        )
        var runs: [Run] = []
        var processors: [String: [Double]] = [:]
        for number in 1...settings.pairs {
            try Stopper.shared.check()
            let before = try Platform.daemons.map { try platform.figures($0).cpuSeconds }
            let run = try Run(
                try Command.run(
                    GatewayBench.program,
                    [
                        "-t2", "-c32", "-d\(seconds)", "--latency", "-H", "Authorization: Bearer \(platform.accessKey)",
                        "\(platform.url)/v1.0/campaigns/\(campaign)",
                    ]
                )
            )
            for (index, name) in Platform.daemons.enumerated() {
                let used = try platform.figures(name).cpuSeconds - before[index]
                processors[name, default: []].append(used * 1000 / (run.requestsPerSecond * Double(seconds)))
            }
            settings.say("gateway \(number): \(Int(run.requestsPerSecond)) requests/s, p99 \(run.p99Milliseconds) ms")
            runs.append(run)
        }
        let last = try await platform.call(.GET, "/v1.0/campaigns/\(campaign)")
        guard last["status"].string == "run" else { throw BenchFailure("the campaign ended too early: \(last.text)") }
        return [
            BenchResult("gateway, one campaign", "requests/s", runs.map(\.requestsPerSecond), note: note),
            BenchResult("  p50", "ms", runs.map(\.medianMilliseconds)),
            BenchResult("  p99", "ms", runs.map(\.p99Milliseconds)),
        ]
            + Platform.daemons.compactMap { name in
                processors[name].map {
                    BenchResult("  CPU of \(name)", "ms/request", $0, note: "with its part of the dialing")
                }
            }
    }

    private var note: String {
        "wrk -t2 -c32 -d\(seconds) on the same cores, GET of one campaign that dials"
            + " \(GatewayBench.attemptsPerSecond) attempts/s meanwhile"
    }
}
