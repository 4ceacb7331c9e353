import Contracts
import Service

/// The open streams of one gateway: no customer has too many, and all of one campaign share a ``CampaignFeed``.
final class CampaignStreams: Sendable {
    private struct Key: Hashable, Sendable {
        var customer: ID
        var campaign: ID
    }

    private struct State {
        var feeds: [Key: (feed: CampaignFeed, users: Int)] = [:]
        var streams: [ID: Int] = [:]
    }

    let source: any CampaignSource
    let settings: StreamSettings
    private let state = Locked(State())

    init(source: any CampaignSource, settings: StreamSettings) {
        self.source = source
        self.settings = settings
    }

    /// A place for one stream; it is given back when nobody holds it any more.
    final class Place: Sendable {
        let feed: CampaignFeed
        private let release: @Sendable () -> Void

        fileprivate init(feed: CampaignFeed, release: @escaping @Sendable () -> Void) {
            self.feed = feed
            self.release = release
        }

        deinit { release() }
    }

    /// Takes a place; throws 429 when the customer has as many streams as allowed.
    func place(for campaign: ID, caller: Identity) throws(Refusal) -> Place {
        let key = Key(customer: caller.customerID, campaign: campaign)
        let feed = state.withLock { state -> CampaignFeed? in
            guard state.streams[key.customer, default: 0] < settings.streamsPerCustomer else { return nil }
            state.streams[key.customer, default: 0] += 1
            let feed =
                state.feeds[key]?.feed
                ?? CampaignFeed(
                    campaign: campaign,
                    caller: caller,
                    source: source,
                    interval: settings.pollInterval
                )
            let users = state.feeds[key]?.users ?? 0
            state.feeds[key] = (feed: feed, users: users + 1)
            return feed
        }
        guard let feed else {
            throw Refusal(
                .resourceExhausted,
                "RATE_LIMIT_EXCEEDED",
                "there are \(settings.streamsPerCustomer) open streams already; close one first",
                details: [["retry_after": 1]]
            )
        }
        return Place(feed: feed) { [self] in release(key) }
    }

    private func release(_ key: Key) {
        state.withLock { state in
            let streams = (state.streams[key.customer] ?? 1) - 1
            state.streams[key.customer] = streams == 0 ? nil : streams
            guard let entry = state.feeds[key] else { return }
            if entry.users > 1 {
                state.feeds[key] = (feed: entry.feed, users: entry.users - 1)
            } else {
                state.feeds[key] = nil
            }
        }
    }
}
