import Foundation
import Glibc
import TestSupport

/// A real daemon in a directory of its own, with its standard error in a file. Killed when the value goes.
final class DaemonProcess {
    let process = Process()
    let directory: TemporaryDirectory
    private let output: String

    /// Where the executables were built: beside the test program.
    static let programs: String = {
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
    }()

    /// Starts `program` with a broker that nobody runs, unless told otherwise.
    init(
        _ program: String = "outdial-manager",
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        broker: String = "amqp://127.0.0.1:1",
        shell: String? = nil,
        standardError: FileHandle? = nil
    ) throws {
        directory = try TemporaryDirectory()
        output = directory.file("stderr.txt")
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        let own = ["--data-dir", directory.file("data"), "--amqp-url", broker] + arguments
        if let shell {
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", shell, "\(DaemonProcess.programs)/\(program)"] + own
        } else {
            process.executableURL = URL(fileURLWithPath: "\(DaemonProcess.programs)/\(program)")
            process.arguments = own
        }
        process.environment = ["PATH": "/usr/bin:/bin"].merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = standardError ?? FileHandle(forWritingAtPath: output)
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var text: String { (try? String(contentsOfFile: output, encoding: .utf8)) ?? "" }
    var lines: [Substring] { text.split(separator: "\n") }

    func send(_ signal: CInt) { kill(process.processIdentifier, signal) }

    /// Its exit status; nil when it goes on for longer.
    func status(within limit: Duration = .seconds(20)) async -> Int32? {
        guard await eventually(within: limit, { !process.isRunning }), process.terminationReason == .exit else {
            return nil
        }
        return process.terminationStatus
    }

    /// Waits until it has come as far as trying the broker, which is after all was built.
    func waitUntilBuilt() async -> Bool { await eventually { text.contains("cannot reach the broker") } }
}

/// Waits until `condition` holds; false when it does not in time.
func eventually(within limit: Duration = .seconds(20), _ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return condition()
}
