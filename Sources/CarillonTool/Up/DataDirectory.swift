import Foundation

/// The directory in which one `carillon up` keeps everything.
///
/// An exclusive lock, which the kernel frees when the holder dies, keeps a second one out.
final class DataDirectory: Sendable {
    let path: String
    private let lock: Int32

    /// Makes it when it is not there, checks that it can be written, and takes it.
    init(path: String) throws(ToolError) {
        try PrivateFile.makeDirectory(path)
        guard access(path, R_OK | W_OK | X_OK) == 0 else { throw PrivateFile.problem(path) }
        for name in ["run", "log"] { try PrivateFile.makeDirectory("\(path)/\(name)") }
        let file = "\(path)/run/up.lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw PrivateFile.problem(file) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            var text = [UInt8](repeating: 0, count: 20)
            let count = pread(descriptor, &text, text.count, 0)
            close(descriptor)
            let holder = String(decoding: text.prefix(max(0, count)).prefix { (48...57).contains($0) }, as: UTF8.self)
            throw .failed(
                "\(path) is in use by another `carillon up` (process \(holder)); stop that one, or give another --data-dir"
            )
        }
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        pwrite(descriptor, text, text.count, 0)
        self.path = path
        lock = descriptor
    }

    deinit { close(lock) }

    var runDirectory: String { path + "/run" }
    var brokerDirectory: String { path + "/broker" }
    func log(_ name: String) -> String { "\(path)/log/\(name).log" }
}
