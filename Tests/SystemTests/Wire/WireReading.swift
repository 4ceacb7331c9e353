import Contracts
import Service
import TestSupport
import Testing

/// Checks messages against `schemas/messages` and `schemas/events`, and notes which schemas were of use.
struct WireReading {
    let names: BusNames
    /// How many documents each schema was asked about.
    private(set) var uses: [String: Int] = [:]
    /// The methods of requests by the correlation id of their replies.
    private var methods: [String: String] = [:]

    /// The forms of documents that were checked; nil when every document is.
    private var knownForms: Set<Int>?

    /// - Parameter isEachFormReadOnce: whether documents that differ in ids, times and numbers only are checked once.
    init(names: BusNames, isEachFormReadOnce: Bool = false) {
        self.names = names
        knownForms = isEachFormReadOnce ? [] : nil
    }

    /// Checks one message that was published anywhere but to the exchange of events.
    mutating func read(_ message: WireTap.Message) async throws {
        let key = message.routingKey
        if message.exchange == names.events { return }
        if message.exchange == names.calls { return try await readCalls(message) }
        guard message.exchange.isEmpty else {
            Issue.record("a message to the exchange \(message.exchange)")
            return
        }
        let json = try JSONValue(parsing: message.body)
        if key.hasPrefix("amq.rabbitmq.reply-to") {
            try await readReply(json, to: message.correlationID.flatMap { methods.removeValue(forKey: $0) })
        } else if Manager.allCases.contains(where: { key == names.requests($0) }) {
            try await readRequest(json, message.correlationID)
        } else if Manager.allCases.contains(where: { key == names.inbox($0) })
            || key.hasPrefix("\(names.prefix).worker.")
        {
            try await check(json, "messages/items")
            for item in json["items"].array ?? [] {
                try await check(item, "messages/item.\(item["kind"].string ?? "")")
            }
        } else {
            Issue.record("a message to the queue \(key): \(json.text.prefix(1000))")
        }
    }

    /// Checks one message from the exchange of events and gives its events.
    mutating func readEvents(_ message: WireTap.Message) async throws -> [JSONValue] {
        let json = try JSONValue(parsing: message.body)
        let isBatch = message.contentType == CallEvent.batchContentType
        #expect(isBatch == (json.array != nil) && (isBatch || message.contentType == CallEvent.contentType))
        let events = json.array ?? [json]
        #expect((isBatch ? 2...100 : 1...1).contains(events.count))
        for event in events {
            #expect(event["type"].string == message.routingKey)
            try await check(event, "events/\(event["type"].string ?? "")")
        }
        return events
    }

    private mutating func readCalls(_ message: WireTap.Message) async throws {
        let json = try JSONValue(parsing: message.body)
        let events = json.array ?? [json]
        guard events.allSatisfy({ $0["source"].string?.hasPrefix("dialer-worker/") ?? false }) else {
            return try await check(json, "messages/foreign-call-event")
        }
        try await check(json, "messages/call-events")
        for event in events {
            #expect(event["type"].string == message.routingKey)
            try await check(event, "messages/\(event["type"].string ?? "")")
        }
    }

    private mutating func readRequest(_ json: JSONValue, _ correlationID: String?) async throws {
        try await check(json, "messages/request")
        guard let method = json["method"].string, WireReading.described.contains(method) else { return }
        if let correlationID { methods[correlationID] = method }
        try await check(json["params"], "messages/\(method).params")
    }

    private mutating func readReply(_ json: JSONValue, to method: String?) async throws {
        try await check(json, "messages/reply")
        guard let method, json["error"].isNull else { return }
        try await check(json["result"], "messages/\(method).result")
    }

    /// The methods whose params and results have schemas.
    private static let described: Set<String> = {
        let names = (try? SchemaFiles.names(in: "messages")) ?? []
        return Set(names.filter { $0.hasSuffix(".params") }.map { String($0.dropLast(7)) })
    }()

    private mutating func check(_ document: JSONValue, _ schema: String) async throws {
        uses[schema, default: 0] += 1
        if knownForms?.insert(LogMessages.form(of: [.string(schema), document])).inserted == false { return }
        let problems = try await SchemaChecker.shared.problems(of: document, by: "\(schema).json")
        if !problems.isEmpty {
            Issue.record("\(schema): \(problems.map(\.description)) in \(document.text.prefix(3000))")
        }
    }
}
