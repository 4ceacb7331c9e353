import CampaignManager
import Contracts
import DialerWorker
import EventLog
import Foundation
import GRDB
import OutdialManager
import Service

/// What the daemons told each other: each message that a log implies has to be in its receiver's inbox once all is quiet,
/// and nothing else.
struct Messages {
    var dataDirectory: String
    var prefix: String

    /// What is missing, and what came from nowhere.
    func problems() throws -> [String] {
        let names = BusNames(prefix: prefix)
        var (campaign, calls, outdial): (Set<ID>, Set<ID>, Set<ID>) = ([], [], [])
        for file in try FileManager.default.contentsOfDirectory(atPath: dataDirectory)
        where file.hasPrefix("dialer-worker.") && file.hasSuffix(".db") {
            let told = try announcements(of: "\(dataDirectory)/\(file)")
            campaign.formUnion(told.items)
            calls.formUnion(told.calls)
            outdial.formUnion(told.outdialItems)
        }
        let dispatches = CampaignDispatches(names: names)
        try forEachEvent("campaign-manager") { event in
            for case .item(let item, names.inbox(.outdial), _) in try dispatches.dispatches(event) {
                outdial.insert(item.id)
            }
        }
        let notices = OutdialDispatches(names: names)
        try forEachEvent("outdial-manager") { event in
            for case .item(let item, _, _) in try notices.dispatches(event) { campaign.insert(item.id) }
        }
        return try compare(campaign, "campaign-manager", "inbox") + compare(calls, "campaign-manager", "calls")
            + compare(outdial, "outdial-manager", "inbox")
    }

    private func announcements(of path: String) throws -> (items: Set<ID>, calls: Set<ID>, outdialItems: Set<ID>) {
        let log = try LogReader(path: path)
        guard let first = try log.events("WHERE type = ?", ["journal_created"]).first,
            let journal = try first.data.flatMap({ try JSONValue(parsing: $0)["journal"].id })
        else { throw Failure(description: "\(path) has no id") }
        let announcer = Announcer(journal: journal, worker: "")
        var (items, calls, outdialItems): (Set<ID>, Set<ID>, Set<ID>) = ([], [], [])
        try log.forEachEvent { event in
            for announcement in try announcer.announcements(of: event) {
                switch announcement {
                case .item(let item): items.insert(item.id)
                case .outdialItem(let item): outdialItems.insert(item.id)
                case .call(let call): if let id = call.id { calls.insert(id) }
                }
            }
            return true
        }
        return (items, calls, outdialItems)
    }

    private func forEachEvent(_ name: String, _ body: (RecordedEvent) throws -> Void) throws {
        try LogReader(path: "\(dataDirectory)/\(name).db").forEachEvent { event in
            try body(event)
            return true
        }
    }

    private func compare(_ told: Set<ID>, _ name: String, _ consumer: String) throws -> [String] {
        let heard = try LogReader(path: "\(dataDirectory)/\(name).db").read { db in
            try ID.fetchSet(db, sql: "SELECT message_id FROM inbox WHERE consumer = ?", arguments: [consumer])
        }
        let (missing, strange) = (told.subtracting(heard), heard.subtracting(told))
        return (missing.isEmpty ? [] : ["\(name) never applied \(missing.count) of \(told.count) \(consumer)"])
            + (strange.isEmpty ? [] : ["\(name) applied \(strange.count) \(consumer) that no log implies"])
    }
}
