import Contracts
import EventLog
import Foundation
import GRDB
import TestSupport
import Testing

/// Everything on one machine as a user starts it: `carillon up` with its private broker, daemons and simulator.
final class CarillonSystem: Sendable {
    let api: API
    /// What `up --json` printed.
    let report: JSONValue
    let readyAt: ContinuousClock.Instant
    let directory: TemporaryDirectory
    private let program: Program

    var dataDirectory: String { directory.file("data") }
    var ledger: String { directory.file("ledger") }
    var outbox: String { directory.file("outbox") }
    var standardError: String { program.standardError }

    /// Starts it and waits until it says that it is ready: in a directory of its own, or where another one has ended.
    ///
    /// With `amqpURL` it runs on a broker that others use too; then `environment` gives it an AMQP prefix of its own.
    static func start(
        timeScale: Double,
        scenario: JSONObject = [:],
        workers: Int = 1,
        environment: [String: String] = [:],
        amqpURL: String? = nil,
        in directory: TemporaryDirectory? = nil
    ) async throws -> CarillonSystem {
        let directory = try directory ?? TemporaryDirectory()
        let program = try up(
            in: directory,
            timeScale: timeScale,
            scenario: scenario,
            workers: workers,
            environment: environment,
            amqpURL: amqpURL
        )
        let line = try await readyLine(of: program)
        return try CarillonSystem(directory, program, line)
    }

    /// `carillon up` in a directory of its own, not yet ready.
    static func up(
        in directory: TemporaryDirectory,
        timeScale: Double = 0.05,
        scenario extra: JSONObject = [:],
        workers: Int = 1,
        environment: [String: String] = [:],
        amqpURL: String? = nil
    ) throws -> Program {
        let scenario = directory.file("scenario.json")
        var members: JSONObject = ["seed": 7, "time_scale": .double(timeScale)]
        for member in extra.members { members.append(member.name, member.value) }
        try JSONValue.object(members).text.write(toFile: scenario, atomically: true, encoding: .utf8)
        return try Program(
            "carillon",
            [
                "up", "--data-dir", directory.file("data"), "--http", "127.0.0.1:0", "--json", "--scenario", scenario,
                "--ledger", directory.file("ledger"), "--workers", "\(workers)",
            ] + (amqpURL.map { ["--amqp-url", $0] } ?? []),
            environment: ["CARILLON_SIMULATOR_OUTBOX": directory.file("outbox")].merging(environment) { $1 },
            directory: directory.path
        )
    }

    private static func readyLine(of program: Program) async throws -> JSONValue {
        let end = ContinuousClock.now + .seconds(90)
        while ContinuousClock.now < end {
            let text = program.standardOutput
            if text.hasSuffix("\n") { return try JSONValue(parsing: Array(text.utf8)) }
            guard program.isRunning else { throw Failure(description: "up ended:\n\(program.standardError)") }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Failure(description: "up is not ready after 90 s:\n\(program.standardError)")
    }

    private init(_ directory: TemporaryDirectory, _ program: Program, _ report: JSONValue) throws {
        guard report["ready"].bool == true, let url = report["http"].string, let key = report["access_key"].string,
            let port = url.split(separator: ":").last.flatMap({ UInt16($0) })
        else { throw Failure(description: "the line of up is not as documented: \(report.text)") }
        self.directory = directory
        self.program = program
        self.report = report
        readyAt = .now
        api = API(client: HTTPClient(port: port), accessKey: key)
    }

    // MARK: - Its processes

    /// The process id of a daemon now; it changes with each restart.
    func pid(of name: String) throws -> Int32 {
        let file = "\(dataDirectory)/run/\(name).pid"
        let text = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let pid = Int32(text) else { throw Failure(description: "\(file) holds no process id") }
        return pid
    }

    func signal(_ name: String, _ number: Int32) throws { kill(try pid(of: name), number) }

    /// Kills a daemon with SIGKILL and waits until another process has taken its place.
    func killAndAwaitRestart(_ name: String) async throws {
        let old = try pid(of: name)
        kill(old, SIGKILL)
        try await eventually("\(name) is restarted", within: .seconds(20)) {
            let new = try pid(of: name)
            return new != old && kill(new, 0) == 0
        }
    }

    /// What daemons wrote last, for a failure's message.
    func logTail(of name: String, lines: Int = 15) -> String {
        let text = (try? String(contentsOfFile: "\(dataDirectory)/log/\(name).log", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(lines).joined(separator: "\n")
    }

    /// What all that matter to the protocol wrote last.
    var logTails: String {
        ["campaign-manager", "outdial-manager", "dialer-worker.1", "dialer-worker.2"]
            .map { "\($0):\n\(logTail(of: $0, lines: 6))" }.joined(separator: "\n")
    }

    /// How many events of `type` a daemon's log holds.
    func events(_ type: String, of name: String = "campaign-manager") throws -> Int {
        try LogReader(path: "\(dataDirectory)/\(name).db").events("WHERE type = ?", [type]).count
    }

    /// Asks it to stop, and checks that it does so in time, with status 0, and leaves no process.
    func stop() async throws {
        program.signal(SIGTERM)
        let status = try await program.waitForExit(within: .seconds(30))
        #expect(status == 0, "\(standardError)")
        let left = Leftovers.processes(of: directory.path)
        #expect(left.isEmpty, "left over: \(left)")
        expectNoStackTrace(standardError)
    }

    /// What an operator would ask, once it has stopped: `carillon log verify` over all logs and the ledger.
    func expectToolAgrees() async throws {
        let arguments = ["log", "verify", "--json", "--data-dir", dataDirectory, "--ledger", ledger]
        let tool = try Program("carillon", arguments, directory: directory.path)
        #expect(try await tool.waitForExit(within: .seconds(60)) == 0, "\(tool.standardError)")
        let verdict = try JSONValue(parsing: Array(tool.standardOutput.utf8))
        #expect(verdict["violations"].integer == 0, "\(verdict.text.prefix(2000))")
        let logs = verdict["logs"].array ?? []
        #expect(logs.count >= 3)
        #expect(logs.allSatisfy { $0["chain"].string == "ok" && $0["events"].integer ?? 0 > 0 })
    }

    func facts() throws -> Facts { try Facts(dataDirectory: dataDirectory, ledger: ledger) }
}

/// Runs `body` on a system of its own, stops it whatever happens, and checks everything that must always hold.
func withSystem(
    timeScale: Double = 0.05,
    scenario: JSONObject = [:],
    workers: Int = 1,
    environment: [String: String] = [:],
    _ body: (CarillonSystem) async throws -> Void
) async throws {
    let system = try await CarillonSystem.start(
        timeScale: timeScale,
        scenario: scenario,
        workers: workers,
        environment: environment
    )
    do {
        try await body(system)
    } catch {
        Issue.record(error)
    }
    try await system.stop()
    try await expectSoundLogs(system)
    try system.facts().expectSound()
}

func expectNoStackTrace(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
    for sign in ["Fatal error", "Stack dump", "💣", "Backtrace", "Thread 0", " at /", "Crash:"] {
        #expect(!text.contains(sign), "\(text)", sourceLocation: sourceLocation)
    }
}
