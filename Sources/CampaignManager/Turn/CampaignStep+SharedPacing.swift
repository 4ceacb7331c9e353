import CampaignDomain
import Contracts
import EventLog
import GRDB

/// The campaigns of one queue: they share its agents, and take turns.
///
/// They ask for targets together and make calls of them one after the other, in one commit: whoever made its last call
/// longest ago is next. So two campaigns with the same service level never differ by more than one call while both have
/// targets.
extension CampaignStep {
    /// How long an answer waits for those of the other campaigns of its queue: one that is lost holds nobody up for longer.
    static let longestHold: Milliseconds = 1_000

    /// Leases of one run of a campaign of which no calls are made yet.
    struct HeldLeases {
        var leases: [Lease]
        var run: Int64
        var outdial: ID
        var context: EventContext
    }

    // MARK: - Asking

    /// Asks for targets for the `campaigns` that run on one queue, unless some of them wait for an answer.
    mutating func ask(
        _ campaigns: [Campaign],
        sharing id: ID,
        capacity: Capacity,
        promised: inout [String: Int64]
    ) throws {
        guard campaigns.contains(where: { memory.pending[$0.id] == nil && !memory.wishing.contains($0.id) }),
            !campaigns.contains(where: { memory.held[$0.id] != nil || isAwaited($0.id) }),
            let queue = try CampaignTables.queues.load(id, in: turn)?.state, queue.deletedAt == nil
        else { return }
        let available = Int64(try available(for: queue))
        guard available > 0 else { return }
        var dialing = try QueueCounts.needing(id, in: db)
        for campaign in campaigns { dialing += memory.pending[campaign.id]?.count ?? 0 }
        var members: [ServiceLevel.Member] = []
        for campaign in try inTurn(campaigns)
        where memory.pending[campaign.id] == nil && !memory.wishing.contains(campaign.id) {
            let level = campaign.settings.serviceLevel
            // Most decisions end here.
            guard ServiceLevel.allows(available: available, dialing: dialing, level: level),
                let (limit, route) = try permits(of: campaign, capacity: capacity, promised: promised)
            else { continue }
            members.append(ServiceLevel.Member(campaign: campaign.id, level: level, limit: limit, route: route))
        }
        let routes = Set(members.map(\.route))
        let shares = ServiceLevel.shares(
            of: members,
            available: available,
            dialing: dialing,
            channels: Dictionary(
                uniqueKeysWithValues: routes.map { ($0, capacity.free(on: $0) - promised[$0, default: 0]) }
            ),
            most: CampaignStep.leasesPerRequest
        )
        for (member, count) in zip(members, shares) where count > 0 {
            guard let campaign = campaigns.first(where: { $0.id == member.campaign }) else { continue }
            promised[member.route, default: 0] += count
            memory.buckets[member.campaign]?.take(count)
            memory.askedAt[member.campaign] = now
            request(count, for: campaign)
        }
    }

    /// Whether the campaign waits for targets, and not for too long already.
    private func isAwaited(_ campaign: ID) -> Bool {
        guard memory.pending[campaign] != nil, let asked = memory.askedAt[campaign] else { return false }
        return now - asked < CampaignStep.longestHold
    }

    /// Whoever made its last call longest ago first.
    private mutating func inTurn(_ campaigns: [Campaign]) throws -> [Campaign] {
        var moments: [ID: Timestamp] = [:]
        for campaign in campaigns { moments[campaign.id] = try lastDialed(campaign.id) }
        let never = Timestamp(microseconds: 0)
        return campaigns.sorted { (moments[$0.id] ?? never, $0.id) < (moments[$1.id] ?? never, $1.id) }
    }

    private mutating func lastDialed(_ campaign: ID) throws -> Timestamp {
        if let known = memory.lastDialed[campaign] { return known }
        let statement = try db.cachedStatement(
            sql: """
                SELECT created_at FROM campaigncall INDEXED BY campaigncall_campaign WHERE campaign_id = ?
                ORDER BY created_at DESC LIMIT 1
                """
        )
        let last = try Timestamp.fetchOne(statement, arguments: [campaign]) ?? Timestamp(microseconds: 0)
        memory.lastDialed[campaign] = last
        return last
    }

    // MARK: - Making calls

    /// Keeps leases until the other campaigns of the queue have theirs. They stay those of the run that took them.
    mutating func hold(_ leases: [Lease], run: Int64, outdial: ID, by campaign: ID, _ context: EventContext) {
        guard !leases.isEmpty else { return }
        var held = memory.held[campaign] ?? []
        let known = Set(held.flatMap(\.leases).map(\.attempt))
        let fresh = leases.filter { !known.contains($0.attempt) }
        if let index = held.firstIndex(where: { $0.run == run && $0.outdial == outdial }) {
            held[index].leases += fresh
        } else if !fresh.isEmpty {
            held.append(HeldLeases(leases: fresh, run: run, outdial: outdial, context: context))
        }
        memory.held[campaign] = held
    }

    /// Gives back what is held for another run of `campaign` than the one that goes on now.
    private mutating func returnHeldOfOtherRuns(of campaign: LoadedCampaign) throws {
        guard let held = memory.held[campaign.id] else { return }
        let current = held.filter { $0.run == campaign.state.run }
        guard current.count < held.count else { return }
        memory.held[campaign.id] = current.isEmpty ? nil : current
        for other in held where other.run != campaign.state.run {
            guard let loaded = try self.campaign(campaign.id) else { return }
            try adopt(other.leases, run: other.run, outdial: other.outdial, by: loaded, other.context)
        }
    }

    /// Makes calls of what is held, once no campaign of the same queue is waited for.
    mutating func adoptHeld() throws {
        guard !memory.held.isEmpty else { return }
        for id in memory.held.keys.sorted() {
            if let loaded = try campaign(id) { try returnHeldOfOtherRuns(of: loaded) }
        }
        var groups: [ID: [LoadedCampaign]] = [:]
        for id in memory.held.keys {
            guard let loaded = try campaign(id) else { continue }
            groups[loaded.state.settings.queue, default: []].append(loaded)
        }
        for (queue, campaigns) in groups.sorted(by: { $0.key < $1.key }) {
            let awaited = try memory.pending.keys.filter { id in
                try isAwaited(id) && campaign(id)?.state.settings.queue == queue
            }
            guard awaited.isEmpty || queue.isNone else {
                let asked = awaited.compactMap { memory.askedAt[$0] }.min() ?? now
                wake(at: asked + CampaignStep.longestHold)
                continue
            }
            try adoptHeld(of: campaigns, sharing: queue)
        }
    }

    private mutating func adoptHeld(of campaigns: [LoadedCampaign], sharing id: ID) throws {
        let queue = try CampaignTables.queues.load(id, in: turn)?.state
        let available = Int64(try queue.map { try self.available(for: $0) } ?? 0)
        var dialing = try QueueCounts.needing(id, in: db)
        var capacity = try capacity()
        var adoptions: [ID: Adoption] = [:]
        var waiting: [ID: ArraySlice<Lease>] = [:]
        var turns: [ID: Timestamp] = [:]
        for loaded in campaigns {
            // All of the run that goes on, and so of one outdial: it changes only while the campaign is stopped.
            guard let all = memory.held.removeValue(forKey: loaded.id), var held = all.first else { continue }
            held.leases = all.flatMap(\.leases)
            touched.insert(loaded.id)
            adoptions[loaded.id] = try Adoption(
                of: loaded,
                run: held.run,
                outdial: held.outdial,
                held.context,
                in: &self
            )
            waiting[loaded.id] = held.leases[...]
            turns[loaded.id] = try lastDialed(loaded.id)
        }
        let never = Timestamp(microseconds: 0)
        while let next = waiting.keys.min(by: { (turns[$0] ?? never, $0) < (turns[$1] ?? never, $1) }) {
            guard let lease = waiting[next]?.popFirst() else {
                waiting[next] = nil
                continue
            }
            guard var adoption = adoptions[next] else { continue }
            let level = adoption.loaded.state.settings.serviceLevel
            // Agents may have gone since it was asked for: a call without an agent is not placed.
            let isPaced =
                queue == nil || ServiceLevel.allows(available: available, dialing: dialing, level: level)
            let call = try adopt(lease, by: &adoption, isPaced: isPaced, &capacity)
            adoptions[next] = adoption
            guard let call else { continue }
            dialing += 1
            turns[next] = call.createdAt
            memory.lastDialed[next] = call.createdAt
        }
    }
}
