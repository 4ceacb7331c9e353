package import Contracts
package import EventLog
package import Logging
import Service
import ServiceLifecycle

/// Does what the turns want done, and comes back with what came of it; ticks once a second.
package struct EffectRunner: ServiceLifecycle.Service {
    private let effects: AsyncStream<CampaignEffect>
    private let continuation: AsyncStream<CampaignEffect>.Continuation
    let outdials: OutdialCaller
    let engines: EngineDialer
    let ignoredReports: IgnoredReportsLog
    let webhooks: WebhookDesk
    let writer: LogWriter<CampaignInput>
    let logger: Logger
    let clock: @Sendable () -> Timestamp

    package init(
        queue: EffectQueue,
        outdials: OutdialCaller,
        engines: EngineDialer,
        webhooks: WebhookDesk,
        writer: LogWriter<CampaignInput>,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        effects = queue.stream
        continuation = queue.continuation
        self.outdials = outdials
        self.engines = engines
        self.webhooks = webhooks
        ignoredReports = IgnoredReportsLog(logger: logger)
        self.writer = writer
        self.logger = logger
        self.clock = clock
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await tick() }
                for await effect in effects { group.addTask { await perform(effect) } }
                group.cancelAll()
            }
        }
    }

    private func tick() async {
        while !Task.isCancelled {
            _ = writer.submit([.tick(isConnected: outdials.isConnected)])
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func perform(_ effect: CampaignEffect) async {
        switch effect {
        case .lease(let request):
            // Calls under way can still end when the disk is nearly full; new ones wait until there is room.
            let answer = writer.isSpaceLow ? .unknown : await outdials.lease(request)
            _ = writer.submit([.leased(request, answer)])
        case .reclaim(let campaign, let run, let customer, let outdial, let plan):
            let claim = OutdialCaller.Claim(
                outdial: outdial,
                campaign: campaign,
                run: run,
                plan: plan,
                customer: customer,
                actor: Manager.campaign.rawValue,
                correlation: campaign
            )
            do {
                try await outdials.claim(claim)
            } catch {
                logger.warning(
                    "a running campaign cannot claim its outdial",
                    metadata: ["campaign_id": "\(campaign)", "error": "\(error)"]
                )
            }
        case .reconcile: await reconcile()
        case .dial(let command):
            guard let failure = await engines.dial(command) else { return }
            _ = writer.submit([.commandFailed(attempt: command.command.attempt, failure)])
        case .ignored(let reports): ignoredReports.note(reports)
        case .webhooksChanged: webhooks.refresh()
        case .claimNext(let claim):
            // A campaign is not started when the disk is nearly full, whoever starts it.
            let answer = writer.isSpaceLow ? .unknown : await outdials.claim(claim)
            _ = writer.submit([.nextClaimed(claim, answer)])
        case .wake(let moment):
            let pause = moment.microseconds - clock().microseconds
            try? await Task.sleep(for: .microseconds(max(0, pause)))
            _ = writer.submit([.tick(isConnected: outdials.isConnected)])
        }
    }

    private func reconcile() async {
        var ids = IDGenerator()
        do {
            let reports = try await outdials.claims(correlation: ids.next(at: clock()))
            _ = writer.submit(reports.map { .reconcile($0) })
        } catch {
            logger.info("outdial-manager could not be asked for its claims", metadata: ["error": "\(error)"])
        }
    }
}

/// Where turns put their effects.
package struct EffectQueue: Sendable {
    let stream: AsyncStream<CampaignEffect>
    let continuation: AsyncStream<CampaignEffect>.Continuation

    package init() { (stream, continuation) = AsyncStream.makeStream() }

    package func add(_ effects: [CampaignEffect]) { for effect in effects { continuation.yield(effect) } }
}
