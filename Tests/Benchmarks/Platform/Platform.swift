import AsyncHTTPClient
import Contracts
import Foundation
import Glibc
import NIOCore
import NIOHTTP1

/// Everything on this machine as a user starts it: `carillon up` with a private broker and the simulator.
final class Platform: Sendable {
    static let daemons = ["api-gateway", "campaign-manager", "outdial-manager", "dialer-worker"]

    let dataDirectory: String
    let brokerURL: String
    /// The process ids of the daemons and of `rabbitmq`, by name.
    let pids: [String: pid_t]
    let supervisor: pid_t
    let url: String
    let accessKey: String
    private let syncDirectory: String
    private let process: Process

    /// Runs `body` with a platform of its own, and stops it whatever comes.
    static func with<T>(
        _ settings: BenchSettings,
        name: String,
        environment: [String: String] = [:],
        _ body: (Platform) async throws -> T
    ) async throws -> T {
        settings.say("\(name): starting carillon up")
        let platform = try await start(settings, name: name, environment: environment)
        do {
            let result = try await body(platform)
            await platform.stop()
            return result
        } catch {
            await platform.stop()
            throw error
        }
    }

    /// Starts it in a directory of its own, with a simulator in which every call is answered and over at once.
    ///
    /// - Parameter environment: variables of `CARILLON_` for the daemons.
    static func start(
        _ settings: BenchSettings,
        name: String,
        environment own: [String: String] = [:]
    ) async throws -> Platform {
        let directory = "\(settings.directory)/\(name)"
        let syncs = "\(directory)/syncs"
        try FileManager.default.createDirectory(atPath: syncs, withIntermediateDirectories: true)
        let scenario = "\(directory)/scenario.json"
        let instant = #"""
            {"seed": 7, "magic_numbers": false,
             "defaults": {"answer": 1, "ring_ms": {"min": 0, "max": 0}, "talk_ms": {"min": 0, "max": 0}}}
            """#
        try instant.write(toFile: scenario, atomically: true, encoding: .utf8)
        let program = "\(settings.programs)/carillon"
        guard access(program, X_OK) == 0 else {
            throw BenchFailure("\(program) is missing; build all of Carillon: swift build -c release")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [
            "up", "--data-dir", "\(directory)/data", "--http", "127.0.0.1:0", "--json", "--scenario", scenario,
        ]
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CARILLON_") }
            .merging(own) { $1 }
        if let counter = settings.syncCounter {
            environment["LD_PRELOAD"] = counter
            environment["SYNC_COUNT_DIR"] = syncs
        }
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        let output = "\(directory)/up.json"
        process.standardOutput = try file(output)
        process.standardError = try file("\(directory)/up.err")
        try process.run()
        Stopper.shared.add(process.processIdentifier)
        let report = try await report(of: process, output, errors: "\(directory)/up.err")
        return try Platform(process, report, syncDirectory: syncs)
    }

    private static func file(_ path: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw BenchFailure("\(path) cannot be written") }
        return handle
    }

    private static func report(of process: Process, _ path: String, errors: String) async throws -> JSONValue {
        let limit = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < limit {
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            if text.hasSuffix("\n") { return try JSONValue(parsing: Array(text.utf8)) }
            guard process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        let said = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
        throw BenchFailure("carillon up did not become ready: \(said)")
    }

    private init(_ process: Process, _ report: JSONValue, syncDirectory: String) throws {
        guard let url = report["http"].string, let key = report["access_key"].string,
            let brokerURL = report["amqp_url"].string, let dataDirectory = report["data_dir"].string
        else { throw BenchFailure("the line of carillon up is not as documented: \(report.text)") }
        self.process = process
        self.url = url
        self.brokerURL = brokerURL
        self.dataDirectory = dataDirectory
        self.syncDirectory = syncDirectory
        accessKey = key
        supervisor = process.processIdentifier
        var pids: [String: pid_t] = [:]
        for name in Platform.daemons + ["rabbitmq"] {
            let value = report["pids"][name]
            pids[name] = (value.integer ?? value.array?.first?.integer).map { pid_t($0) }
        }
        guard pids.count == 5 else { throw BenchFailure("carillon up does not name its processes: \(report.text)") }
        self.pids = pids
    }

    /// Asks it to stop, and returns when it has.
    func stop() async {
        kill(supervisor, SIGTERM)
        let limit = ContinuousClock.now + .seconds(40)
        while process.isRunning, ContinuousClock.now < limit { try? await Task.sleep(for: .milliseconds(50)) }
        if process.isRunning { kill(supervisor, SIGKILL) }
        Stopper.shared.forget(supervisor)
    }

    // MARK: - What its processes have used

    func figures(_ name: String) throws -> ProcessFigures { try ProcessFigures(pids[name] ?? 0) }

    /// How often a process has synchronised a file; nil when that is not counted.
    func syncs(_ name: String) -> Double? {
        guard let pid = pids[name], let data = FileManager.default.contents(atPath: "\(syncDirectory)/\(pid)"),
            data.count == 8
        else { return nil }
        return Double(data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    }

    // MARK: - Its API

    /// Sends one request; throws unless it is answered with 200.
    @discardableResult
    func call(
        _ method: HTTPMethod,
        _ path: String,
        _ body: [UInt8]? = nil,
        type: String = "application/json"
    ) async throws -> JSONValue {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(accessKey)")
        if let body {
            request.headers.add(name: "Content-Type", value: type)
            request.body = .bytes(body)
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        let answer = Array(try await response.body.collect(upTo: 16 << 20).readableBytesView)
        guard response.status == .ok else {
            throw BenchFailure("\(path): \(response.status.code) \(String(decoding: answer, as: UTF8.self))")
        }
        return try JSONValue(parsing: answer)
    }

    /// A CSV file of these people, one number each.
    static func file(of people: Range<Int>) -> [UInt8] {
        var rows = Array("name,destination_0\n".utf8)
        for number in people {
            let digits = String(10_000_000_000 + number).dropFirst()
            rows += Array("person \(number),+1\(digits)\n".utf8)
        }
        return rows
    }

    /// Makes an outdial with `count` targets of one number each, imported `chunk` at a time.
    func makeOutdial(_ count: Int, chunk: Int = 20_000, say: (String) -> Void = { _ in }) async throws -> String {
        let created = try await call(.POST, "/v1.0/outdials", Array(#"{"name": "people"}"#.utf8))
        guard let outdial = created["id"].string else { throw BenchFailure("an outdial without an id") }
        for start in stride(from: 0, to: count, by: chunk) {
            let end = min(start + chunk, count)
            let rows = Platform.file(of: start..<end)
            let answer = try await call(.POST, "/v1.0/outdials/\(outdial)/targets/import", rows, type: "text/csv")
            guard answer["imported"].integer == Int64(end - start) else {
                throw BenchFailure("not all targets were imported: \(answer.text.prefix(300))")
            }
            if end.isMultiple(of: 10 * chunk) { say("imported \(end) targets") }
            try Stopper.shared.check()
        }
        return outdial
    }

    /// Makes a campaign of one try for each target, and starts it.
    func startCampaign(on outdial: String, settings: JSONObject = [:]) async throws -> String {
        let plan = #"{"name": "plan", "try_interval": 1000, "dial_timeout": 30000, "max_try_count_0": 1}"#
        let outplan = try await call(.POST, "/v1.0/outplans", Array(plan.utf8))
        var wish: JSONObject = ["name": "campaign", "outdial_id": .string(outdial), "outplan_id": outplan["id"]]
        for member in settings.members { wish.append(member.name, member.value) }
        let campaign = try await call(.POST, "/v1.0/campaigns", JSONValue.object(wish).bytes)
        guard let id = campaign["id"].string else { throw BenchFailure("a campaign without an id") }
        try await setStatus(id, "run")
        return id
    }

    func setStatus(_ campaign: String, _ status: String) async throws {
        let wish: JSONValue = ["status": .string(status)]
        try await call(.PUT, "/v1.0/campaigns/\(campaign)/status", wish.bytes)
    }

    /// Waits until `condition` holds of the campaign; asks ten times a second.
    func wait(for campaign: String, within limit: Duration, _ condition: (JSONValue) -> Bool) async throws -> JSONValue
    {
        let end = ContinuousClock.now + limit
        while true {
            let now = try await call(.GET, "/v1.0/campaigns/\(campaign)")
            if condition(now) { return now }
            guard ContinuousClock.now < end else {
                throw BenchFailure("the campaign takes more than \(limit): \(now.text)")
            }
            try Stopper.shared.check()
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
