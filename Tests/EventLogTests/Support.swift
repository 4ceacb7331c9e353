import Contracts
import EventLog
import GRDB
import Glibc

/// A directory of its own for one test, removed at its end.
final class Scratch: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/event-log-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { _ = run("rm", "-rf", path) }

    var log: String { path + "/test.db" }

    /// Copies the log as a crash would leave it. By another process: closing a descriptor of the file in this one would
    /// drop the locks that SQLite holds.
    func copyLog(to name: String) -> String {
        let copy = "\(path)/\(name)"
        _ = run("sh", "-c", "cp '\(log)' '\(copy)'; [ -e '\(log)-wal' ] && cp '\(log)-wal' '\(copy)-wal'; true")
        return copy
    }

    /// Edits a closed log the way a person with the sqlite3 shell would.
    func edit(_ path: String, _ sql: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }
}

/// Runs a command to its end; returns its exit status.
@discardableResult
func run(_ command: String...) -> Int32 { wait(for: spawn(command)) }

/// Starts a command.
func spawn(_ command: String...) -> pid_t { spawn(command) }

private func spawn(_ command: [String]) -> pid_t {
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let code = posix_spawnp(&process, command[0], nil, nil, arguments, nil)
    precondition(code == 0, "\(command[0]) could not be started: \(String(cString: strerror(code)))")
    return process
}

/// Waits for the end of a child; returns its exit status.
func wait(for child: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
}

/// Waits until `condition` holds; false when it does not within ten seconds.
func eventually(_ condition: () -> Bool) async -> Bool {
    let clock = ContinuousClock()
    let limit = clock.now + .seconds(10)
    while clock.now < limit {
        if condition() { return true }
        await Task.yield()
    }
    return condition()
}

/// A value that threads share.
final class Shared<Value>: @unchecked Sendable {
    // Safe to share: touched under the lock only.
    private var value: Value
    private let lock: UnsafeMutablePointer<pthread_mutex_t>

    init(_ value: Value) {
        self.value = value
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
    }

    deinit { lock.deallocate() }

    func with<T>(_ body: (inout Value) -> T) -> T {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body(&value)
    }

    var current: Value { with { $0 } }
}

let start = Timestamp(microseconds: 1_700_000_000_000_000)
let context = EventContext(correlation: ID(high: 1, low: 2), causation: ID(high: 3, low: 4), actor: "system")

func event(_ number: UInt64, type: String = "noted", _ text: String = "{}") -> NewEvent {
    NewEvent(type: type, id: ID(high: 7, low: number), data: Array(text.utf8))
}

extension EventLogFile {
    /// One turn at a fixed time.
    func turn<T>(at now: Timestamp = start, dueUpTo: Timestamp? = nil, _ body: (Turn) throws -> T) throws -> T {
        var ids = IDGenerator()
        return try perform(now: now, ids: &ids, dueUpTo: dueUpTo, body)
    }

    /// Appends `count` events to `stream`, with ids from `first` on.
    func fill(_ stream: String = "note-1", from first: UInt64 = 1, count: Int) throws {
        try turn { turn in
            let events = (0..<UInt64(count)).map { event(first + $0, "{\"n\":\($0)}") }
            _ = try turn.append(events, to: stream, expecting: .any, context: context)
        }
    }
}

/// A toy aggregate: a counter that somebody owns.
struct Tally: Aggregate, Hashable {
    enum Event: DomainEvent, Hashable {
        case opened(owner: String)
        case added(Int64)

        var type: String {
            switch self {
            case .opened: "tally_opened"
            case .added: "tally_added"
            }
        }

        var json: JSONValue {
            switch self {
            case .opened(let owner): ["owner": .string(owner)]
            case .added(let amount): ["amount": .integer(amount)]
            }
        }

        init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
            switch type {
            case "tally_opened": self = .opened(owner: try json.requireString("owner"))
            case "tally_added": self = .added(try json.requireInteger("amount"))
            default: throw JSONError("unknown event \(type)")
            }
        }
    }

    static let category = "tally"

    var owner: String
    var total: Int64 = 0
    var changedAt: Timestamp

    static func evolve(_ state: inout Tally?, _ event: Event, at time: Timestamp) {
        switch event {
        case .opened(let owner): state = Tally(owner: owner, changedAt: time)
        case .added(let amount):
            state?.total += amount
            state?.changedAt = time
        }
    }

    init(owner: String, changedAt: Timestamp) {
        self.owner = owner
        self.changedAt = changedAt
    }

    init(json: JSONValue) throws(JSONError) {
        owner = try json.requireString("owner")
        total = try json.requireInteger("total")
        changedAt = try json.requireTime("changed_at")
    }

    var json: JSONValue { ["owner": .string(owner), "total": .integer(total), "changed_at": .time(changedAt)] }
}

let tallies = AggregateTable<Tally>(
    columns: [
        .init("owner", .text) { $0.owner.databaseValue },
        .init("total", .integer) { $0.total.databaseValue },
    ],
    indexes: ["CREATE INDEX tally_owner ON tally(owner)"]
)
