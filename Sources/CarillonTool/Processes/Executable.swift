import Foundation

/// The executable that runs, and its neighbours.
enum Executable {
    /// The absolute path of this program.
    static let current: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return CommandLine.arguments[0] }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// The path of a program that is installed beside this one.
    static func beside(_ name: String, of path: String = current) throws -> String {
        let directory = (path as NSString).deletingLastPathComponent
        let found = directory + "/" + name
        guard access(found, X_OK) == 0 else {
            throw ToolError.failed("\(found) is missing; build all of Carillon: swift build -c release")
        }
        return found
    }
}
