import Foundation

/// Where a daemon says that it is ready: the protocol of systemd's `sd_notify`.
final class NotifySocket: @unchecked Sendable {
    // Safe to share: the members never change, and the kernel serialises `recv`.
    let path: String
    private let descriptor: Int32

    /// Binds the socket of `name`.
    init(directory: String, name: String) throws(ToolError) {
        let path = NotifySocket.path(directory: directory, name: name)
        unlink(path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard descriptor >= 0, bound == 0 else {
            throw ToolError.failed("\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        chmod(path, 0o600)
        self.path = path
        self.descriptor = descriptor
    }

    /// Where the socket of `name` is: in `directory`, or in /tmp when that name is too long for a socket address.
    static func path(directory: String, name: String) -> String {
        let path = "\(directory)/\(name).notify"
        return path.utf8.count > 100 ? "/tmp/carillon-\(getpid())-\(name).notify" : path
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// The messages that came in since the last call, as `NAME=value` pairs.
    func drain() -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return pairs }
            for line in String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n") {
                guard let mark = line.firstIndex(of: "=") else { continue }
                pairs.append((String(line[..<mark]), String(line[line.index(after: mark)...])))
            }
        }
    }
}
