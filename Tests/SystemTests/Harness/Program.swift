import Foundation
import Glibc

/// One of the product's executables, running with its output in files.
///
/// A small shell process ends it when the test process is gone, even when that crashed.
final class Program: @unchecked Sendable {
    // Safe to share: `process` and `watchdog` are set once by `init` and are only asked and signalled afterwards.
    private let process = Process()
    private let watchdog = Process()
    private let output: String
    private let errors: String

    /// The directory of the executables: the one that holds the test bundle.
    static let products: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let candidates = [own, Bundle.main.bundlePath, CommandLine.arguments[0]] + CommandLine.arguments
        for candidate in candidates {
            var directory = URL(fileURLWithPath: candidate)
            for _ in 0..<5 {
                directory.deleteLastPathComponent()
                let path = directory.appendingPathComponent("dialer-worker").path
                if FileManager.default.isExecutableFile(atPath: path) { return directory.path }
            }
        }
        return own
    }()

    /// Starts `name`; its output goes to files in `directory`. Variables of `CARILLON_` are not inherited.
    init(
        _ name: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        directory: String
    ) throws {
        let label = "\(name)-\(UInt32.random(in: 0 ... .max))"
        output = "\(directory)/\(label).out"
        errors = "\(directory)/\(label).err"
        process.executableURL = URL(fileURLWithPath: "\(Program.products)/\(name)")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CARILLON_") }
            .merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Program.file(output)
        process.standardError = try Program.file(errors)
        try process.run()
        // The kernel's parent-death signal is tied to the thread that started a process, and threads of a pool go.
        watchdog.executableURL = URL(fileURLWithPath: "/bin/sh")
        watchdog.arguments = [
            "-c", "while kill -0 \(getpid()) 2>/dev/null; do sleep 0.5; done; kill -9 \(process.processIdentifier)",
        ]
        watchdog.standardInput = FileHandle.nullDevice
        watchdog.standardOutput = FileHandle.nullDevice
        watchdog.standardError = FileHandle.nullDevice
        try watchdog.run()
    }

    deinit {
        signal(SIGKILL)
        endWatch()
    }

    private static func file(_ path: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw Failure(description: "\(path) cannot be written") }
        return handle
    }

    var pid: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var standardOutput: String { (try? String(contentsOfFile: output, encoding: .utf8)) ?? "" }
    var standardError: String { (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "" }

    func signal(_ number: Int32) {
        if process.isRunning { kill(process.processIdentifier, number) }
    }

    /// Its exit status, 128 and the signal for one that was killed; it is killed when `limit` passes first.
    func waitForExit(within limit: Duration) async throws -> Int32 {
        let end = ContinuousClock.now + limit
        while process.isRunning {
            guard ContinuousClock.now < end else {
                signal(SIGKILL)
                endWatch()
                throw Failure(description: "it did not end within \(limit.components.seconds) s:\n\(standardError)")
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        endWatch()
        let status = process.terminationStatus
        return process.terminationReason == .uncaughtSignal ? 128 + status : status
    }

    private func endWatch() {
        if watchdog.isRunning { kill(watchdog.processIdentifier, SIGKILL) }
    }
}

/// What runs on this machine because of a directory.
enum Leftovers {
    /// The processes whose command line or environment names `directory`; this one is not among them.
    static func processes(of directory: String) -> [String] {
        let wanted = Data(directory.utf8)
        return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { entry in
            guard let pid = pid_t(entry), pid != getpid() else { return nil }
            let command = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
            guard command.range(of: wanted) != nil || environment.range(of: wanted) != nil else { return nil }
            return "\(pid) \(String(decoding: command.map { $0 == 0 ? 32 : $0 }, as: UTF8.self).prefix(200))"
        }
    }
}
