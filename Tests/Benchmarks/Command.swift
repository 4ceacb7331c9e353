import Foundation

/// Programs that run to their end.
enum Command {
    /// Runs a program and returns what it prints; throws when it fails.
    /// - Parameter environment: beside PATH and LANG, which are always given.
    static func run(_ path: String, _ arguments: [String], _ environment: [String: String] = [:]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let own = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"]
        process.environment = own.merging(environment) { $1 }
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        guard process.terminationStatus == 0 else { throw BenchFailure("\(path) \(arguments) failed: \(text)") }
        return text
    }
}
