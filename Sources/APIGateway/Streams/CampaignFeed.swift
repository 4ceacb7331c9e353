import Contracts
import Service

/// The news of one campaign, asked for once and told to all streams that watch it; while nobody watches, nothing is asked.
final class CampaignFeed: Sendable {
    /// What a stream is told.
    enum Item: Sendable {
        case event(ServerSentEvent)
        /// Time to say that the stream is alive.
        case beat
    }

    typealias Listener = AsyncStream<Item>.Continuation

    fileprivate struct State {
        var listeners: [Int: Listener] = [:]
        var lastListener = 0
        /// All changes up to here are told; nil before the first look.
        var mark: Int64?
        var progress: JSONValue?
        var task: Task<Void, Never>?
    }

    private static let pagesOfALook = 4

    private let campaign: ID
    private let caller: Identity
    private let source: any CampaignSource
    private let interval: Duration
    private let state = Locked(State())

    init(campaign: ID, caller: Identity, source: any CampaignSource, interval: Duration) {
        self.campaign = campaign
        self.caller = caller
        self.source = source
        self.interval = interval
    }

    /// Adds a listener, who is told of everything after `mark`: the answer is the mark that the feed has come to already,
    /// so what lies between the two is for the listener to ask for. Without a mark, it is told of what comes from now on.
    func join(_ listener: Listener, after mark: Int64?) -> (id: Int, mark: Int64?) {
        state.withLock { state in
            state.lastListener += 1
            let id = state.lastListener
            state.listeners[id] = listener
            if state.mark == nil { state.mark = mark }
            if let progress = state.progress { listener.yield(.event(.progress(progress, state.mark))) }
            if state.task == nil { state.task = Task { await self.run() } }
            return (id, state.mark)
        }
    }

    /// Removes a listener; with the last one the feed falls asleep.
    func leave(_ id: Int) {
        state.withLock { state in
            state.listeners.removeValue(forKey: id)?.finish()
            if state.listeners.isEmpty { state.sleep() }
        }
    }

    private func run() async {
        while !Task.isCancelled {
            await look()
            try? await Task.sleep(for: interval)
        }
    }

    /// One look at the campaign: changed calls first, so that the mark of the progress covers them.
    private func look() async {
        do throws(Refusal) {
            for _ in 0..<CampaignFeed.pagesOfALook {
                let changes = try await source.changes(of: campaign, after: state.value.mark, caller: caller)
                if Task.isCancelled { return }
                if changes.isReset { tell(.reset(changes.next)) }
                for (mark, call) in changes.calls { tell(ServerSentEvent(name: "campaigncall", id: mark, data: call)) }
                state.withLock { $0.mark = changes.next }
                if !changes.hasMore { break }
            }
            let progress = try await source.progress(of: campaign, caller: caller)
            if Task.isCancelled { return }
            let event = state.withLock { state -> ServerSentEvent? in
                guard state.progress != progress else { return nil }
                state.progress = progress
                return .progress(progress, state.mark)
            }
            if let event { tell(event) }
        } catch {
            // A manager that is away is asked again in the next round.
            guard error.status == .notFound else { return }
            tell(.end("the campaign is deleted"))
            state.withLock { state in
                for listener in state.listeners.values { listener.finish() }
                state.listeners = [:]
                state.sleep()
            }
        }
    }

    private func tell(_ event: ServerSentEvent) {
        state.withLock { state in
            for (id, listener) in state.listeners {
                guard case .dropped = listener.yield(.event(event)) else { continue }
                // It does not keep up: its client comes back with the last id that it has read.
                listener.finish()
                state.listeners[id] = nil
            }
        }
    }
}

extension CampaignFeed.State {
    /// Forgets everything: who comes later begins anew.
    fileprivate mutating func sleep() {
        task?.cancel()
        task = nil
        mark = nil
        progress = nil
    }
}

extension ServerSentEvent {
    static func progress(_ progress: JSONValue, _ mark: Int64?) -> ServerSentEvent {
        ServerSentEvent(name: "progress", id: mark, data: progress)
    }
}
