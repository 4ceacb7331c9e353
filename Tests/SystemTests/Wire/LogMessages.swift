import AMQP
import CampaignManager
import Contracts
import DialerWorker
import EventLog
import OutdialManager
import Service
import TestSupport
import Testing

/// What the logs of a system told others, read from the logs themselves: a log is its daemon's outbox, so this is what
/// went over the wire, whatever became of the broker meanwhile.
struct LogMessages {
    private let names = BusNames(prefix: "log")
    /// The forms of documents that were held to their schemas already.
    private var known: Set<Int> = []

    /// Holds every message and event of the logs in `directory` to `schemas/`: each form of them once.
    static func expectDescribed(_ directory: String, files: [String]) async throws {
        var messages = LogMessages()
        for file in files { try await messages.read("\(directory)/\(file)", file) }
    }

    private mutating func read(_ path: String, _ file: String) async throws {
        let reader = try LogReader(path: path)
        var documents: [(schema: String, document: JSONValue)] = []
        switch file {
        case "campaign-manager.db":
            let dispatches = CampaignDispatches(names: names)
            documents = try published(reader, "campaign-manager", campaignManagerEvents) {
                try dispatches.dispatches($0)
            }
        case "outdial-manager.db":
            let dispatches = OutdialDispatches(names: names)
            documents = try published(reader, "outdial-manager", outdialManagerEvents) { try dispatches.dispatches($0) }
        default:
            let announcer = Announcer(journal: ID(high: 1, low: 1), worker: "1")
            documents = try published(reader, "dialer-worker", []) { event in
                try announcer.announcements(of: event).map { $0.dispatch(names) }
            }
        }
        for (schema, document) in documents
        where known.insert(LogMessages.form(of: [.string(schema), document])).inserted {
            let problems = try await SchemaChecker.shared.problems(of: document, by: "\(schema).json")
            #expect(problems.isEmpty, "\(file), \(schema): \(problems) in \(document.text.prefix(3000))")
        }
    }

    /// The documents that the events of one log imply.
    private func published(
        _ reader: LogReader,
        _ name: String,
        _ categories: [PublishedCategory],
        _ dispatches: (RecordedEvent) throws -> [Dispatch]
    ) throws -> [(schema: String, document: JSONValue)] {
        let translator = EventTranslator(source: name, categories: categories)
        var documents: [(schema: String, document: JSONValue)] = []
        var position: Int64 = 0
        while true {
            let events = try reader.events(after: position, limit: 2000)
            guard let last = events.last else { return documents }
            position = last.position
            for event in events {
                for dispatch in try dispatches(event) {
                    switch dispatch {
                    case .item(let item, _, _): documents.append(("messages/item.\(item.kind)", item.json))
                    case .callEvent(let event, _): documents.append(("messages/\(event.kind.rawValue)", event.json))
                    case .message: Issue.record("\(name) publishes a message that is no item and no call event")
                    }
                }
                guard let event = try reader.read({ try translator.publicEvent(of: event, in: $0) }) else { continue }
                var bytes: [UInt8] = []
                event.write(into: &bytes)
                let json = try JSONValue(parsing: bytes)
                documents.append(("events/\(json["type"].string ?? "")", json))
            }
        }
    }

    /// A number for the document's form: the same for documents that differ in ids, times and numbers only.
    static func form(of json: JSONValue) -> Int {
        var hasher = Hasher()
        add(json, to: &hasher)
        return hasher.finalize()
    }

    private static func add(_ json: JSONValue, to hasher: inout Hasher) {
        switch json {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let number): hasher.combine(number < 0 ? -1 : min(number, 10))
        case .double: hasher.combine(11)
        case .uuid(let id): hasher.combine(id.isNone ? 12 : 13)
        case .string(let text):
            for byte in text.utf8 { hasher.combine((0x30...0x39).contains(byte) ? 0x30 : byte) }
            hasher.combine(14)
        case .array(let elements): hasher.combine(Set(elements.map(form)))
        case .object(let object):
            for member in object.members {
                hasher.combine(member.name)
                add(member.value, to: &hasher)
            }
            hasher.combine(15)
        }
    }
}
