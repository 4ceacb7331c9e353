package import Contracts

/// A dialer-worker's journal in the registry. Its id is the journal's: a new or wiped journal is another one.
package struct Worker: Aggregate, Hashable {
    package static let category = "worker"

    /// - `live`: takes attempts. To `lost` by silence, to `left` by its farewell, to `refused` by a restored copy.
    /// - `lost`, `left`: takes nothing. To `live` when it speaks again.
    /// - `refused`: its journal is older than was seen before. Stays.
    package enum Status: String, Sendable {
        case live, lost, left, refused
    }

    package var journal: ID
    package var name: String
    package var route: String
    package var channels: Int
    package var version: String
    package var status: Status
}

/// What happens to a worker.
package enum WorkerEvent: DomainEvent, Hashable {
    case registered(journal: ID, name: String, route: String, channels: Int, version: String)
    case changed(route: String, channels: Int, version: String)
    case lost
    case returned
    case left
    case refused(reason: String)
}

extension Worker {
    package typealias Event = WorkerEvent

    /// How long a worker may be silent.
    package static let silenceLimit: Milliseconds = 20_000

    package static func evolve(_ state: inout Worker?, _ event: WorkerEvent, at time: Timestamp) {
        switch event {
        case .registered(let journal, let name, let route, let channels, let version):
            state = Worker(
                journal: journal,
                name: name,
                route: route,
                channels: channels,
                version: version,
                status: .live
            )
        case .changed(let route, let channels, let version):
            state?.route = route
            state?.channels = channels
            state?.version = version
        case .lost: state?.status = .lost
        case .returned: state?.status = .live
        case .left: state?.status = .left
        case .refused: state?.status = .refused
        }
    }

    /// What a status report changes. `highestSeen` is the highest position of that journal seen so far; it counts only
    /// for a worker that has just started (`isNewProcess`): a running one cannot have gone back.
    package static func hear(
        _ report: WorkerStatus,
        current: Worker?,
        highestSeen: Int64,
        isNewProcess: Bool
    ) -> [WorkerEvent] {
        guard let worker = current else {
            return [
                .registered(
                    journal: report.journal,
                    name: report.worker,
                    route: report.route,
                    channels: report.channels,
                    version: report.version
                )
            ]
        }
        if worker.status == .refused { return isNewProcess ? [.refused(reason: restored(report, highestSeen))] : [] }
        if isNewProcess, report.sequence < highestSeen { return [.refused(reason: restored(report, highestSeen))] }
        var events: [WorkerEvent] = []
        if report.route != worker.route || report.channels != worker.channels || report.version != worker.version {
            events.append(.changed(route: report.route, channels: report.channels, version: report.version))
        }
        if report.isLeaving {
            if worker.status != .left { events.append(.left) }
        } else if worker.status != .live {
            events.append(.returned)
        }
        return events
    }

    private static func restored(_ report: WorkerStatus, _ highestSeen: Int64) -> String {
        "the journal of worker \(report.worker) has been at position \(highestSeen) before and came back older: it is a "
            + "restored copy; move the file away and start again"
    }

    package func lose() -> [WorkerEvent] { status == .live || status == .left ? [.lost] : [] }
}

extension Worker {
    package var json: JSONValue {
        [
            "journal": .id(journal), "worker_id": .string(name), "route": .string(route),
            "channels": .integer(channels), "version": .string(version), "status": .string(status.rawValue),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        guard let status = Status(rawValue: try json.requireString("status")) else {
            throw JSONError("status is unknown")
        }
        self.init(
            journal: try json.requireID("journal"),
            name: try json.requireString("worker_id"),
            route: try json.requireString("route"),
            channels: try json.requireInt("channels"),
            version: try json.requireString("version"),
            status: status
        )
    }
}

extension WorkerEvent {
    package var type: String {
        switch self {
        case .registered: "worker_registered"
        case .changed: "worker_changed"
        case .lost: "worker_lost"
        case .returned: "worker_returned"
        case .left: "worker_left"
        case .refused: "worker_refused"
        }
    }

    package var json: JSONValue {
        switch self {
        case .registered(let journal, let name, let route, let channels, let version):
            [
                "journal": .id(journal), "worker_id": .string(name), "route": .string(route),
                "channels": .integer(channels), "version": .string(version),
            ]
        case .changed(let route, let channels, let version):
            ["route": .string(route), "channels": .integer(channels), "version": .string(version)]
        case .lost, .returned, .left: [:]
        case .refused(let reason): ["reason": .string(reason)]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "worker_registered":
            self = .registered(
                journal: try json.requireID("journal"),
                name: try json.requireString("worker_id"),
                route: try json.requireString("route"),
                channels: try json.requireInt("channels"),
                version: try json.requireString("version")
            )
        case "worker_changed":
            self = .changed(
                route: try json.requireString("route"),
                channels: try json.requireInt("channels"),
                version: try json.requireString("version")
            )
        case "worker_lost": self = .lost
        case "worker_returned": self = .returned
        case "worker_left": self = .left
        case "worker_refused": self = .refused(reason: try json.requireString("reason"))
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
