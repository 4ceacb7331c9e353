import AMQP
import CampaignManager
import Contracts
import EventLog
import OutdialManager

/// Whole campaigns through all processes, with answers that come at once, beside what the broker can do at best.
struct EndToEndBench {
    private static let targets = 20_000
    private static let queue = "bench"

    private let settings: BenchSettings
    private let targets: Int

    init(_ settings: BenchSettings) {
        self.settings = settings
        targets = settings.amount(EndToEndBench.targets)
    }

    func run() async throws -> [BenchResult] {
        let (results, platform) = try await Platform.with(settings, name: "end-to-end") { platform in
            (try await measure(platform), platform)
        }
        return try await results + logs(platform)
    }

    /// What one campaign took.
    private struct Campaign {
        var attemptsPerSecond: Double
        var messages: Double
        var messageSize: Double
        /// By process, for one attempt.
        var cpuMilliseconds: [String: Double]
        var syncs: [String: Double]
    }

    private func measure(_ platform: Platform) async throws -> [BenchResult] {
        let queue = Queue(name: EndToEndBench.queue, kind: .quorum)
        try await withReadyClient(platform.brokerURL) {
            try await $0.declare(Topology(queues: [queue]), timeout: .seconds(20))
            if settings.isListening { try await $0.declare(listener, timeout: .seconds(20)) }
        }
        var campaigns: [Campaign] = []
        var pairs: [Pair] = []
        var memory: [BenchResult] = []
        for number in 1...settings.pairs {
            let campaign = try await campaign(platform)
            if number == 1 { memory = try residentMemory(platform) }
            let ceiling = try ceiling(platform, campaign)
            settings.say(
                "end to end \(number): \(Int(campaign.attemptsPerSecond)) attempts/s, the broker alone \(Int(ceiling))"
            )
            campaigns.append(campaign)
            pairs.append(Pair(ours: campaign.attemptsPerSecond, floor: ceiling))
        }
        return [BenchResult("end to end", "attempts/s", pairs, note: note)] + details(campaigns) + memory
    }

    /// A queue that takes every event and keeps the last thousand messages.
    private var listener: Topology {
        Topology(
            queues: [Queue(name: "bench.events", durable: false, arguments: ["x-max-length": 1000])],
            bindings: [Binding(queue: "bench.events", exchange: "carillon.events", routingKey: "#")]
        )
    }

    private var note: String {
        "\(targets) targets from start to stop, broker on the same cores; floor: the broker alone with as many"
            + " messages of their mean size, published (window 1000) and consumed by librabbitmq through one quorum queue"
    }

    private func campaign(_ platform: Platform) async throws -> Campaign {
        let outdial = try await platform.makeOutdial(targets)
        try await Task.sleep(for: .seconds(1))
        guard let broker = platform.pids["rabbitmq"] else { throw BenchFailure("carillon up has no broker") }
        let names = Platform.daemons + ["rabbitmq"]
        let counted = try BrokerFigures(broker)
        let cpu = try names.map { try platform.figures($0).cpuSeconds }
        let syncs = names.map { platform.syncs($0) }
        let time = try await seconds {
            let id = try await platform.startCampaign(on: outdial)
            let last = try await platform.wait(for: id, within: .seconds(600)) { $0["status"].string == "stop" }
            guard last["progress"]["success"].integer == Int64(targets) else {
                throw BenchFailure("not every target was reached: \(last.text)")
            }
        }
        var result = Campaign(
            attemptsPerSecond: Double(targets) / time,
            messages: 0,
            messageSize: 0,
            cpuMilliseconds: [:],
            syncs: [:]
        )
        for (index, name) in names.enumerated() {
            let used = try platform.figures(name).cpuSeconds - cpu[index]
            result.cpuMilliseconds[name] = used * 1000 / Double(targets)
            if let before = syncs[index], let after = platform.syncs(name) {
                result.syncs[name] = (after - before) / Double(targets)
            }
        }
        let after = try BrokerFigures(broker)
        result.messages = (after.messages - counted.messages) / Double(targets)
        result.messageSize = (after.bytes - counted.bytes) / (after.messages - counted.messages)
        return result
    }

    /// The attempts per second for which the broker alone could carry the messages.
    private func ceiling(_ platform: Platform, _ campaign: Campaign) throws -> Double {
        let publisher = try FloorBus(url: platform.brokerURL)
        let consumer = try FloorBus(url: platform.brokerURL)
        let count = max(5000, Int(campaign.messages * Double(targets)))
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: max(1, Int(campaign.messageSize)))
        let time = try publisher.relay(body, through: EndToEndBench.queue, to: consumer, count: count, window: 1000)
        return Double(count) / time / campaign.messages
    }

    /// The logs that the campaigns have left.
    private func logs(_ platform: Platform) async throws -> [BenchResult] {
        let all: [(String, [String], [any VerifiedProjection])] = [
            ("campaign-manager", CampaignTables.schema, campaignManagerProjections),
            ("outdial-manager", OutdialTables.schema, outdialManagerProjections),
        ]
        var results: [BenchResult] = []
        for (name, schema, projections) in all {
            let path = "\(platform.dataDirectory)/\(name).db"
            let note = "the log of \(settings.pairs) campaigns, all its projections; \(ReplayBench.floorNote)"
            results += try await ReplayBench.results(", \(name)", path, schema, projections, settings, note: note)
        }
        return results
    }

    private func details(_ campaigns: [Campaign]) -> [BenchResult] {
        var results = [
            BenchResult("  messages", "1/attempt", campaigns.map(\.messages), note: "published to the broker"),
            BenchResult("  bytes of a message", "B", campaigns.map(\.messageSize), note: "with frames and confirms"),
        ]
        for name in Platform.daemons + ["rabbitmq"] {
            let cpu = campaigns.compactMap { $0.cpuMilliseconds[name] }
            results.append(BenchResult("  CPU of \(name)", "ms/attempt", cpu, note: "user and system"))
        }
        let all = campaigns.map { $0.cpuMilliseconds.values.reduce(0, +) }
        results.append(BenchResult("  CPU of all", "ms/attempt", all, note: "user and system"))
        for name in Platform.daemons + ["rabbitmq"] {
            let syncs = campaigns.compactMap { $0.syncs[name] }
            guard !syncs.isEmpty else { continue }
            results.append(BenchResult("  syncs of \(name)", "1/attempt", syncs, note: "fsync and fdatasync"))
        }
        return results
    }

    private func residentMemory(_ platform: Platform) throws -> [BenchResult] {
        try (Platform.daemons + ["rabbitmq"]).map { name in
            let figures = try platform.figures(name)
            return BenchResult("memory, \(targets) targets: \(name)", "MiB", [figures.residentMiB], note: memoryNote)
        }
    }

    private var memoryNote: String { "resident right after the first campaign" }
}
