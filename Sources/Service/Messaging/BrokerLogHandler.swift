import Logging

/// Passes on what the client says, each complaint once until a connection is made: its two connections fail alike, and
/// several addresses fail in turn.
struct BrokerLogHandler: LogHandler {
    private var base: any LogHandler
    private let user: String
    private let remedy: String
    private let said = Locked<Set<String>>([])

    /// - Parameter setting: the option or variable that holds the broker's address.
    init(_ base: any LogHandler, user: String, setting: String) {
        self.base = base
        self.user = user
        remedy = "set \(setting)"
    }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        let text = event.message.description
        guard event.level == .warning else {
            said.withLock { $0.removeAll() }
            return base.log(event: event)
        }
        // The client knows what is wrong, not which setting mends it.
        if text.contains("refused user '") || text.contains("after user '") {
            event.message = "the broker refuses user \"\(user)\": \(remedy)"
        } else if text.contains("virtual host '") {
            event.message = "\(text): \(remedy)"
        }
        if event.message.description != text {
            event.metadata = (event.metadata ?? [:]).merging(["cause": .string(text)]) { $1 }
        }
        let key = event.message.description
        guard said.withLock({ $0.count < 100 && $0.insert(key).inserted }) else { return }
        base.log(event: event)
    }
}
