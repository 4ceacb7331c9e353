import FoundationEssentials
import Glibc
import Service

/// The secret that all gateways sign tokens with: made once, kept beside the log, readable by its owner only.
enum TokenSecret {
    /// Hexadecimal, 32 random bytes. Throws a ``StartupError`` when the file cannot be read or written.
    static func load(_ context: DaemonContext) throws -> String {
        let path = "\(context.configuration.dataDirectory)/jwt-secret"
        if let text = try? String(contentsOfFile: path, encoding: .utf8) {
            let secret = text.filter { !$0.isWhitespace }
            guard secret.count >= 32 else {
                throw StartupError("\(path) holds no secret; remove it and start again, all tokens then end")
            }
            return secret
        }
        let secret = hexadecimal((0..<32).map { _ in UInt8.random(in: .min ... .max) })
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StartupError(
                "cannot write \(path): \(String(cString: strerror(errno))); give the daemon's user the directory"
            )
        }
        defer { close(descriptor) }
        let bytes = Array((secret + "\n").utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw StartupError("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        return secret
    }
}
