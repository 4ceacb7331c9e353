import Foundation

/// A directory of a test's own; removed when the value goes.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// - Parameter inMemory: where a sync costs nothing, as far as the machine has such a place.
    package init(inMemory: Bool = false) throws {
        let memory = URL(fileURLWithPath: "/dev/shm", isDirectory: true)
        let isThere = inMemory && FileManager.default.isWritableFile(atPath: memory.path)
        let parent = isThere ? memory : FileManager.default.temporaryDirectory
        let base = parent.appendingPathComponent("carillon-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
        path = base.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func file(_ name: String) -> String { "\(path)/\(name)" }
}
