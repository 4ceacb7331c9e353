package import Contracts

/// A dialer-worker's journal in the registry. Its id is the journal's: a new or wiped journal is another one.
package struct Worker: Aggregate, Hashable {
    package static let category = "worker"

    /// - `live`: takes attempts. To `lost` by silence, to `left` by its farewell, to `refused` by a restored copy.
    /// - `lost`: takes nothing. To `live` when it speaks again.
    /// - `left`: takes nothing. To `live` when its next process registers.
    /// - `refused`: the journal that was shown last is older than was seen before. To `live` when the true one speaks.
    package enum Status: String, Sendable {
        case live, lost, left, refused
    }

    package var journal: ID
    package var name: String
    package var route: String
    package var channels: Int
    package var version: String
    package var status: Status
    /// The process that was accepted last: nobody else speaks for the journal. ``ID/none`` before the first one.
    package var process: ID
    /// The programs that the journal was given, the newest last. One that is forgotten here is given once more.
    package var programs: [ID] = []

    /// How many are remembered.
    package static let programLimit = 1000
}

/// What happens to a worker.
package enum WorkerEvent: DomainEvent, Hashable {
    case registered(journal: ID, name: String, route: String, channels: Int, version: String)
    case changed(route: String, channels: Int, version: String)
    case lost
    case returned
    case left
    /// The journal that this process has opened is the true one: it may take attempts and report.
    case accepted(process: ID)
    case refused(reason: String)
    /// The journal is given what the attempts of a campaign run, before the first of them.
    case programGiven(Program)
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
                status: .live,
                process: .none
            )
        case .changed(let route, let channels, let version):
            state?.route = route
            state?.channels = channels
            state?.version = version
        case .lost: state?.status = .lost
        case .returned: state?.status = .live
        case .left: state?.status = .left
        case .accepted(let process):
            state?.process = process
            state?.status = .live
        case .refused: state?.status = .refused
        case .programGiven(let program):
            state?.programs.removeAll { $0 == program.id }
            state?.programs.append(program.id)
            if let count = state?.programs.count, count > programLimit { state?.programs.removeFirst() }
        }
    }

    /// Gives it `program`, once.
    package func give(_ program: @autoclosure () -> Program, id: ID) -> [WorkerEvent] {
        programs.contains(id) ? [] : [.programGiven(program())]
    }

    /// Its journal says that it has no such program: it is given again.
    package func giveAgain(_ program: Program) -> [WorkerEvent] { [.programGiven(program)] }

    /// Whether a process that has just opened its journal may work with it: ends with `accepted` or with `refused`, or
    /// holds nothing for one that was accepted before.
    ///
    /// `report.sequence` is how far the journal had come when its last accepted process ended, and `highestSeen` the
    /// highest position that anybody ever told of it: a restored copy has a lower one.
    package static func register(_ report: WorkerStatus, current: Worker?, highestSeen: Int64) -> [WorkerEvent] {
        guard let worker = current else { return [registered(report), .accepted(process: report.process)] }
        if worker.process == report.process { return [] }
        if report.sequence < highestSeen { return [.refused(reason: restored(report, highestSeen))] }
        return worker.changes(report) + [.accepted(process: report.process)]
    }

    /// What a status changes. Statuses may come late, twice and in any order: one of an earlier process says nothing,
    /// and a process that has left does not come back.
    package static func hear(_ report: WorkerStatus, current: Worker?, highestSeen: Int64) -> [WorkerEvent] {
        // A process tells its status only once its journal was accepted; here that was forgotten (an older backup).
        guard let worker = current else { return [registered(report), .accepted(process: report.process)] }
        guard report.process == worker.process else {
            guard report.process > worker.process, report.sequence > highestSeen else { return [] }
            return worker.changes(report) + [.accepted(process: report.process)]
        }
        if worker.status == .left { return [] }
        let changes = worker.changes(report)
        if report.isLeaving { return changes + [.left] }
        return worker.status == .live ? changes : changes + [.returned]
    }

    private static func registered(_ report: WorkerStatus) -> WorkerEvent {
        .registered(
            journal: report.journal,
            name: report.worker,
            route: report.route,
            channels: report.channels,
            version: report.version
        )
    }

    private func changes(_ report: WorkerStatus) -> [WorkerEvent] {
        guard report.route != route || report.channels != channels || report.version != version else { return [] }
        return [.changed(route: report.route, channels: report.channels, version: report.version)]
    }

    private static func restored(_ report: WorkerStatus, _ highestSeen: Int64) -> String {
        "the journal of worker \(report.worker) was seen at position \(highestSeen) and comes back at \(report.sequence), so "
            + "it is a restored copy and does not know whom it has called since"
    }

    /// It answered: what was lost lives.
    package func comeBack() -> [WorkerEvent] { status == .lost ? [.returned] : [] }

    package func lose() -> [WorkerEvent] { status == .live || status == .left ? [.lost] : [] }
}

extension Worker {
    package var json: JSONValue {
        var object: JSONObject = [
            "journal": .id(journal), "worker_id": .string(name), "route": .string(route),
            "channels": .integer(channels), "version": .string(version), "status": .string(status.rawValue),
            "process": .id(process),
        ]
        if !programs.isEmpty { object.append("programs", .array(programs.map { .id($0) })) }
        return .object(object)
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
            status: status,
            process: json["process"].id ?? .none,
            programs: (json["programs"].array ?? []).compactMap(\.id)
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
        case .accepted: "worker_accepted"
        case .refused: "worker_refused"
        case .programGiven: "worker_program_given"
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
        case .accepted(let process): ["process": .id(process)]
        case .refused(let reason): ["reason": .string(reason)]
        case .programGiven(let program): program.json
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
        case "worker_accepted": self = .accepted(process: try json.requireID("process"))
        case "worker_refused": self = .refused(reason: try json.requireString("reason"))
        case "worker_program_given": self = .programGiven(try Program(json: json))
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
