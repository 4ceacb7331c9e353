import Contracts
import Foundation
import Glibc

/// `deploy/sample/engine.py` as its user starts it, with an ordinary AMQP client for Python.
final class PythonEngine: @unchecked Sendable {
    // Safe to share: `process` is set once by `init` and is only asked and signalled afterwards.
    private let process = Process()
    private let journal: String
    private let errors: String

    /// Starts it; what it dials goes to a journal of its own in `directory`.
    init(_ url: String, route: String, _ options: [String] = [], directory: String) throws {
        var build = URL(fileURLWithPath: Program.products)
        while build.lastPathComponent != ".build", build.path != "/" { build.deleteLastPathComponent() }
        let python = build.appendingPathComponent("engine/bin/python").path
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw Failure(description: "\(python) is missing: run deploy/install-engine")
        }
        let name = "engine-\(route)-\(UInt32.random(in: 0 ... .max))"
        journal = "\(directory)/\(name).journal"
        errors = "\(directory)/\(name).err"
        guard FileManager.default.createFile(atPath: errors, contents: nil) else {
            throw Failure(description: "\(errors) cannot be written")
        }
        let script = build.deletingLastPathComponent().appendingPathComponent("deploy/sample/engine.py").path
        // The shell is gone with the test process, and its child with it.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments = ["--pdeathsig", "KILL", python, script, url, route, "--journal", journal] + options
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: errors)
        try process.run()
    }

    deinit { stop() }

    func stop() {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    var isRunning: Bool { process.isRunning }
    var standardError: String { (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "" }

    /// The attempts that it has dialed, in order.
    var dialed: [ID] {
        let text = (try? String(contentsOfFile: journal, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { ID($0) }
    }
}
