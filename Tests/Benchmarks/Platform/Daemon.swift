import AsyncHTTPClient
import Foundation
import Glibc
import NIOCore
import NIOHTTP1
import TestSupport

/// A daemon that is started by hand, to see when it is ready.
struct Daemon {
    let pid: pid_t
    private let started: ContinuousClock.Instant
    private let port: Int
    private let process: Process

    init(_ program: String, _ environment: [String: String], log: String) throws {
        port = try PrivateBroker.freePorts(1)[0]
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.environment = environment.merging(["CARILLON_METRICS_LISTEN": "127.0.0.1:\(port)"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let output = FileHandle(forWritingAtPath: log) ?? .nullDevice
        process.standardOutput = output
        process.standardError = output
        started = .now
        try process.run()
        pid = process.processIdentifier
        Stopper.shared.add(pid, signal: SIGKILL)
    }

    /// The seconds from its start until it says that it is ready.
    func awaitReady(within limit: Duration) async throws -> Double {
        let request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/readyz")
        while ContinuousClock.now < started + limit {
            let answer = try? await HTTPClient.shared.execute(request, timeout: .seconds(1))
            if let answer {
                _ = try? await answer.body.collect(upTo: 1 << 16)
                if answer.status == .ok { return (ContinuousClock.now - started).inSeconds }
            }
            guard process.isRunning else { throw BenchFailure("process \(pid) ended while starting") }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw BenchFailure("process \(pid) was not ready within \(limit)")
    }
}
