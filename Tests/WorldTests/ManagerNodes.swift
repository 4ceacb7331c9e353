import CampaignManager
import Contracts
import EventLog
import OutdialManager
import Service

/// Campaign-manager without its threads.
final class CampaignNode: LogNode {
    private var core = CampaignTurn(settings: CampaignNode.settings)

    /// Talks that are short enough to be waited for, and another dialing engine.
    private static var settings: CampaignTurn.Settings {
        var settings = CampaignTurn.Settings()
        settings.maximumTalkTime = 120_000
        settings.engines = Engine.routes
        return settings
    }

    init(path: String, seed: UInt64, now: Timestamp) throws {
        try super.init(path, schema: CampaignTables.schema, seed: seed, now: now)
    }

    func perform(_ inputs: [CampaignInput], at now: Timestamp) throws -> [CampaignEffect] {
        let effects = Locked<[CampaignEffect]>([])
        try turn(at: now) { turn in
            try core.run(turn, inputs) { more in effects.withLock { $0 += more } }
        }
        return effects.value
    }

    override func restart(seed: UInt64, now: Timestamp) throws {
        try super.restart(seed: seed, now: now)
        core = CampaignTurn(settings: CampaignNode.settings)
    }
}

/// Outdial-manager without its threads.
final class OutdialNode: LogNode {
    private var core = OutdialTurn()

    init(path: String, seed: UInt64, now: Timestamp) throws {
        try super.init(path, schema: OutdialTables.schema, seed: seed, now: now)
    }

    func perform(_ inputs: [OutdialInput], at now: Timestamp) throws {
        try turn(at: now) { try core.run($0, inputs) }
    }

    func request(_ request: Request, at now: Timestamp) throws -> Reply {
        if OutdialReads.methods.contains(request.method) {
            return try OutdialReads(log: reader, clock: { now }).answer(request)
        }
        let reply = Locked<Reply?>(nil)
        try perform([.request(request, answer: { reply.value = $0 })], at: now)
        return reply.value ?? .refused(.unavailable("no answer"))
    }

    override func restart(seed: UInt64, now: Timestamp) throws {
        try super.restart(seed: seed, now: now)
        core = OutdialTurn()
    }
}
