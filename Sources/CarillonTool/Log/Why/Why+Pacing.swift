import CampaignDomain
import CampaignManager
import Contracts
import EventLog
import GRDB
import OutdialDomain

/// What holds a running campaign back: limits, channels, agents.
extension Why {
    func pacing(of campaign: Known<Campaign>) throws -> [Obstacle] {
        guard past.directory.campaignManager != nil else { return [] }
        let settings = campaign.state.settings
        let outplan = try past.find(Outplan.self, settings.outplan)
        let open = try openCalls()
        let own = open.filter { $0.state.assignment.campaign == campaign.id && !$0.state.assignment.isTest }
        var found: [Obstacle] = []
        if settings.maximumConcurrent > 0, own.count >= settings.maximumConcurrent {
            found.append(
                Obstacle(
                    .limitReached,
                    "\(own.count) calls of the campaign are open, as many as max_concurrent allows.",
                    own.last?.first
                )
            )
        }
        found += try rate(of: campaign)
        found += try channels(of: settings, outplan?.state, open)
        found += try agents(for: campaign, open)
        return found
    }

    // MARK: - Open calls

    /// Every campaigncall that was open, by its creation.
    ///
    /// Rows say which may have been; events say which were. A call that ended longer than an hour before the moment by its
    /// own clock is not looked at again.
    func openCalls() throws -> [Known<Campaigncall>] {
        guard let log = past.directory.campaignManager else { return [] }
        let ids: [ID] = try log.read { db in
            if past.isPresent {
                return try ID.fetchAll(
                    db,
                    sql: """
                        SELECT id FROM campaigncall INDEXED BY campaigncall_open
                        WHERE bucket IN ('dialing', 'answered') ORDER BY created_at
                        """
                )
            }
            return try ID.fetchAll(
                db,
                sql: """
                    SELECT id FROM campaigncall WHERE created_at BETWEEN ? AND ?
                    AND coalesce(json_extract(state, '$.tm_hangup'), ?) >= ? ORDER BY created_at
                    """,
                arguments: [
                    past.now + .seconds(-86_400), past.now + .seconds(1), past.now, past.now + .seconds(-3_600),
                ]
            )
        }
        return try ids.compactMap { try past.find(Campaigncall.self, $0) }.filter(\.state.isOpen)
    }

    // MARK: - Rate

    private func rate(of campaign: Known<Campaign>) throws -> [Obstacle] {
        let rate = campaign.state.settings.callsPerSecond
        guard rate > 0, let log = past.directory.campaignManager else { return [] }
        let newest = try log.read { db in
            try ID.fetchOne(
                db,
                sql: """
                    SELECT id FROM campaigncall INDEXED BY campaigncall_campaign
                    WHERE campaign_id = ? AND created_at <= ? ORDER BY created_at DESC LIMIT 1
                    """,
                arguments: [campaign.id, past.now]
            )
        }
        guard let newest, let call = try past.find(Campaigncall.self, newest) else { return [] }
        let next = call.state.createdAt + Milliseconds(Int64((1000 / rate).rounded(.up)))
        guard next > past.now else { return [] }
        return [
            Obstacle(
                .rate,
                "The campaign dials \(rate) calls a second at most (calls_per_second): the next at \(time(next)).",
                until: next,
                call.first
            )
        ]
    }

    // MARK: - Channels

    private func channels(
        of settings: CampaignSettings,
        _ outplan: Outplan?,
        _ open: [Known<Campaigncall>]
    ) throws -> [Obstacle] {
        let named = [settings.route, outplan?.settings.route ?? ""].first { !$0.isEmpty }
        let route = named ?? "default"
        let workers = try workers().filter { $0.state.route == route }
        guard !workers.isEmpty else {
            // Other engines have no worker: their route is known by its calls alone.
            let engine = open.first { $0.state.assignment.engine == route }
            return engine != nil
                ? [] : [Obstacle(.noWorker, "No worker ever served route \(route); another engine may.", nil)]
        }
        let live = workers.filter { $0.state.status == .live }
        guard !live.isEmpty else {
            let last = workers.compactMap { $0.last("worker_lost", "worker_left", "worker_refused") }
                .max(by: { !LogEntry.isInOrder($1, $0) })
            let how = workers.map { "worker \($0.state.name) \(words($0.state.status))" }
            return [Obstacle(.noWorker, "No worker of route \(route) is there: \(listed(how)).", last)]
        }
        let free = live.reduce(0) { sum, worker in
            let used = open.count { $0.state.assignment.journal == worker.id }
            return sum + max(0, worker.state.channels - used)
        }
        guard free <= 0 else { return [] }
        let total = live.reduce(0) { $0 + $1.state.channels }
        let newest = open.last { call in live.contains { $0.id == call.state.assignment.journal } }
        return [
            Obstacle(
                .noChannel,
                "All \(total) channels of route \(route) are in use.",
                newest?.first,
                live.last?.last("worker_registered", "worker_changed")
            )
        ]
    }

    private func words(_ status: Worker.Status) -> String {
        switch status {
        case .live: "is there"
        case .lost: "is silent"
        case .left: "has left"
        case .refused: "shows a journal that is older than was seen before"
        }
    }

    private func workers() throws -> [Known<Worker>] {
        guard let log = past.directory.campaignManager else { return [] }
        let ids = try log.read { try ID.fetchAll($0, sql: "SELECT id FROM worker ORDER BY rowid") }
        return try ids.compactMap { try past.find(Worker.self, $0) }
    }

    // MARK: - Agents

    private func agents(for campaign: Known<Campaign>, _ open: [Known<Campaigncall>]) throws -> [Obstacle] {
        let settings = campaign.state.settings
        guard let queue = try past.find(Queue.self, settings.queue), queue.state.deletedAt == nil,
            let log = past.directory.campaignManager
        else { return [] }
        let ids = try log.read { db in
            try ID.fetchAll(db, sql: "SELECT id FROM agent WHERE customer_id = ?", arguments: [queue.state.customer])
        }
        let serving = try ids.compactMap { try past.find(Agent.self, $0) }.filter { queue.state.isServed(by: $0.state) }
        let available = Int64(serving.count { $0.state.canBeRung })
        let coming = open.count { $0.state.neededQueue == queue.id }
        let waiting = try open.count { call in
            guard !call.state.queuecall.isNone,
                let wait = try past.find(Queuecall.self, call.state.queuecall)?.state
            else { return false }
            return wait.new.queue == queue.id && (wait.status == .initiating || wait.status == .waiting)
        }
        let dialing = Int64(coming + waiting)
        guard !ServiceLevel.allows(available: available, dialing: dialing, level: settings.serviceLevel) else {
            return []
        }
        let calls = dialing == 1 ? "1 call needs" : "\(dialing) calls need"
        let text =
            "The service level allows no further call: \(available) of \(serving.count) agents of the queue can be rung, "
            + "\(calls) one, and service_level is \(settings.serviceLevel)."
        let last = serving.filter { !$0.state.canBeRung }.compactMap(\.entries.last)
            .max { LogEntry.isInOrder($0, $1) }
        let newest = open.last { $0.state.neededQueue == queue.id }
        return [Obstacle(.serviceLevel, text, last ?? newest?.first, last == nil ? nil : newest?.first)]
    }
}
