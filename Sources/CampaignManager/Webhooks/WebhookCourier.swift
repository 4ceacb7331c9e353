package import Contracts
package import Logging
import Metrics
package import OutboundHTTP
import Service

/// Brings one customer its webhooks, the oldest first, for as long as something waits.
///
/// Several go side by side, never two about one object; when one fails, it waits 1 s, 2 s … up to an hour, and what is
/// behind it waits with it. A changed address or secret ends the wait. What could not be delivered within 24 h is dropped.
package struct WebhookCourier: Sendable {
    static let sideBySide = 16
    package static let maximumAge = Milliseconds.seconds(24 * 3600)

    let customer: ID
    let store: WebhookStore
    let http: GuardedClient
    let logger: Logger
    let clock: @Sendable () -> Timestamp
    /// Where they go now; nil when the customer has no webhook any more.
    let address: @Sendable () -> WebhookAddress?
    /// Is told whenever ``address`` may have changed.
    let changes: WebhookChanges

    package init(
        customer: ID,
        store: WebhookStore,
        http: GuardedClient,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp,
        address: @escaping @Sendable () -> WebhookAddress?,
        changes: WebhookChanges = WebhookChanges()
    ) {
        self.customer = customer
        self.store = store
        self.http = http
        self.logger = logger
        self.clock = clock
        self.address = address
        self.changes = changes
    }

    /// Ends when nothing is left, or when the task is cancelled.
    package func run() async throws {
        var failures = 0
        while !Task.isCancelled {
            guard let address = address() else {
                count("dropped", try await store.removeAll(of: customer))
                return
            }
            let waiting = try await store.next(of: customer, limit: WebhookCourier.sideBySide)
            if waiting.isEmpty { return }
            let now = clock()
            let old = waiting.filter { now - $0.addedAt > WebhookCourier.maximumAge }
            if !old.isEmpty {
                try await drop(old)
                continue
            }
            let (delivered, problem) = await deliver(waiting, address)
            try await store.remove(delivered)
            count("delivered", delivered.count)
            guard let problem else {
                failures = 0
                continue
            }
            count("failed", waiting.count - delivered.count)
            failures += 1
            let pause = WebhookCourier.pause(after: failures)
            say(problem, failures, pause)
            // An address that was repaired, or a new secret, is tried at once.
            if await wait(pause, unlessChanged: address) { failures = 0 }
            try Task.checkCancellation()
        }
    }

    /// Waits; true as soon as the webhooks go elsewhere than to `old`.
    private func wait(_ pause: Duration, unlessChanged old: WebhookAddress) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                try? await Task.sleep(for: pause)
                return false
            }
            group.addTask {
                for await _ in changes.follow() where address() != old { return true }
                return false
            }
            let isChanged = await group.next() ?? false
            group.cancelAll()
            return isChanged
        }
    }

    /// 1 s, 2 s, 4 s … up to an hour, each up to a fifth shorter, so that many do not come at once.
    package static func pause(after failures: Int) -> Duration {
        let full = min(3_600_000, 1000 << min(failures - 1, 12))
        return .milliseconds(full - Int.random(in: 0...full / 5))
    }

    /// The rows that were taken, and what went wrong with another, if anything did.
    private func deliver(_ waiting: [WebhookStore.Waiting], _ address: WebhookAddress) async -> ([Int64], String?) {
        await withTaskGroup(of: (Int64, String?).self) { group in
            for item in waiting { group.addTask { (item.row, await attempt(item.event, address)) } }
            var delivered: [Int64] = []
            var problem: String?
            for await (row, reason) in group {
                if let reason { problem = reason } else { delivered.append(row) }
            }
            return (delivered, problem)
        }
    }

    private func attempt(_ event: WebhookStore.Event, _ address: WebhookAddress) async -> String? {
        let signed = WebhookSignature.headers(
            event: event.event,
            body: event.document,
            secret: address.secret,
            at: clock()
        )
        let request = OutboundRequest(
            method: address.method,
            url: address.uri,
            headers: [
                (name: "Content-Type", value: CallEvent.contentType), (name: "User-Agent", value: "carillon"),
            ] + signed,
            body: event.document,
            wantsBody: false,
            customer: customer
        )
        do throws(OutboundError) {
            let answer = try await http.send(request)
            return answer.isSuccess ? nil : "status \(answer.status)"
        } catch {
            return error.code
        }
    }

    private func drop(_ old: [WebhookStore.Waiting]) async throws {
        try await store.remove(old.map(\.row))
        count("dropped", old.count)
        logger.warning(
            "dropped webhooks that nobody took for 24 h",
            metadata: ["customer_id": "\(customer)", "count": "\(old.count)", "first_event": "\(old[0].event.event)"]
        )
    }

    private func count(_ outcome: String, _ number: Int) {
        guard number > 0 else { return }
        Counter(label: "carillon_webhooks_total", dimensions: [("outcome", outcome)]).increment(by: number)
    }

    /// The first failures and then each with its pause, so that an endpoint that is down fills no log.
    private func say(_ problem: String, _ failures: Int, _ pause: Duration) {
        logger.info(
            "a webhook was not taken, trying again",
            metadata: [
                "customer_id": "\(customer)", "problem": "\(problem)", "failures": "\(failures)", "pause": "\(pause)",
            ]
        )
    }
}
