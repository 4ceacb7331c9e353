import Contracts
import EventLog

/// Which events of the logs are wanted.
struct LogFilter: Sendable, Hashable {
    var stream: String?
    var type: String?
    var log: String?
    /// Ids that the event's stream or data has to name, all of them.
    var ids: [ID] = []
    var correlation: ID?
    var since: Timestamp?
    var until: Timestamp?

    func matches(_ entry: LogEntry) -> Bool {
        let event = entry.event
        if let since, event.recordedAt < since { return false }
        if let until, event.recordedAt > until { return false }
        if let correlation, event.correlation != correlation { return false }
        if let type, event.type != type { return false }
        if let stream, event.stream != stream { return false }
        return ids.allSatisfy { LogFilter.mentions($0, event) }
    }

    /// Ids are stored as text, so that the bytes are searched without reading the JSON.
    static func mentions(_ id: ID, _ event: RecordedEvent) -> Bool {
        let text = id.description
        if event.stream.hasSuffix(text) { return true }
        guard let data = event.data else { return false }
        let wanted = Array(text.utf8)
        guard data.count >= wanted.count else { return false }
        var index = 0
        while index <= data.count - wanted.count {
            if data[index] == wanted[0], data[index..<index + wanted.count].elementsEqual(wanted) { return true }
            index += 1
        }
        return false
    }
}
