import Contracts
import HTTPTypes
import HummingbirdCore
import ServiceLifecycle

extension Gateway {
    /// `text/event-stream` of a campaign: its progress and its campaigncalls, as they change.
    ///
    /// The stream ends when the campaign is deleted, when the caller may no longer read it, and when the gateway stops;
    /// a client that comes back with `Last-Event-ID` is told of what it has missed.
    func events(
        of campaign: ID,
        body: HTTPBody,
        call: ClientCall,
        route: Route,
        caller: Identity
    ) async throws -> Answer {
        let last = try call.lastEventID()
        let place = try streams.place(for: campaign, caller: caller)
        // Told now, while there can still be an answer with another code.
        _ = try await managers.read(
            "campaign.get",
            ["id": .id(campaign)],
            of: .campaign,
            caller: caller,
            correlation: call.correlation
        )
        let stream = CampaignStream(
            campaign: campaign,
            caller: caller,
            place: place,
            source: streams.source,
            settings: streams.settings,
            isStillAllowed: { await isStillAllowed(call, route, as: caller) }
        )
        return Answer(
            content: .stream(type: "text/event-stream; charset=utf-8") { writer in
                try await body.consumeWithCancellationOnInboundClose { _ in
                    try await stream.send(after: last, to: &writer)
                }
                try await writer.finish(nil)
            },
            headers: [.accelBuffering: "no"]
        )
    }

    /// Whether the credentials of `call` still lead to the same customer; a manager that is away says nothing against it.
    private func isStillAllowed(_ call: ClientCall, _ route: Route, as caller: Identity) async -> Bool {
        do {
            let now = try await authenticator.authenticate(call, for: route.access, at: configuration.now())
            return now.customerID == caller.customerID
        } catch let refusal as Refusal {
            // 429 may hide that the key is gone.
            return ![.unauthenticated, .permissionDenied, .resourceExhausted].contains(refusal.status)
        } catch {
            return true
        }
    }
}

/// One open stream.
struct CampaignStream: Sendable {
    let campaign: ID
    let caller: Identity
    let place: CampaignStreams.Place
    let source: any CampaignSource
    let settings: StreamSettings
    let isStillAllowed: @Sendable () async -> Bool

    private static let pagesOfTheMissed = 8

    /// Sends events until the stream has to end; throws when the client has gone.
    func send(after last: Int64?, to writer: inout any ResponseBodyWriter) async throws {
        let (items, listener) = AsyncStream.makeStream(
            of: CampaignFeed.Item.self,
            bufferingPolicy: .bufferingOldest(settings.maximumWaiting)
        )
        let (id, mark) = place.feed.join(listener, after: last)
        defer { place.feed.leave(id) }
        let beats = Task { [settings] in
            while !Task.isCancelled {
                try await Task.sleep(for: settings.heartbeat)
                listener.yield(.beat)
            }
        }
        defer { beats.cancel() }
        // The head goes out with the first bytes of the body: a client sees at once that it is connected.
        try await writer.write(ServerSentEvent.heartbeat)
        var told = try await sendMissed(after: last, upTo: mark, to: &writer)
        for await item in items.cancelOnGracefulShutdown() {
            switch item {
            case .beat:
                guard await isStillAllowed() else {
                    try await writer.write(ServerSentEvent.end("the credentials are no longer valid").bytes)
                    return
                }
                try await writer.write(ServerSentEvent.heartbeat)
            case .event(let event):
                // What was asked for above may come once more.
                if event.name == "campaigncall", let mark = event.id {
                    guard mark > told else { continue }
                    told = mark
                }
                try await writer.write(event.bytes)
            }
        }
    }

    /// Sends what changed between the client's last event and what the feed will tell; answers how far that came.
    private func sendMissed(
        after last: Int64?,
        upTo mark: Int64?,
        to writer: inout any ResponseBodyWriter
    ) async throws -> Int64 {
        guard var told = last, let mark, told < mark else { return 0 }
        for _ in 0..<CampaignStream.pagesOfTheMissed {
            let changes = try await source.changes(of: campaign, after: told, caller: caller)
            if changes.isReset { try await writer.write(ServerSentEvent.reset(changes.next).bytes) }
            for (mark, call) in changes.calls {
                try await writer.write(ServerSentEvent(name: "campaigncall", id: mark, data: call).bytes)
            }
            told = changes.next
            if told >= mark || !changes.hasMore { return told }
        }
        try await writer.write(ServerSentEvent.reset(mark).bytes)
        return mark
    }
}

extension ClientCall {
    /// The mark in `Last-Event-ID`; nil without one, and for what is not a mark of ours.
    func lastEventID() throws(Refusal) -> Int64? {
        guard let text = headers[.lastEventID], !text.isEmpty else { return nil }
        guard let mark = Int64(text), mark >= 0 else {
            throw .invalid("Last-Event-ID", "must be the id of an event of this stream")
        }
        return mark
    }
}
