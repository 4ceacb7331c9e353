import Foundation

/// What this process holds of the machine.
enum ProcessFigures {
    /// How many file descriptors are open; without the timers and the like, which event loops and the runtime make when
    /// they first need them and then keep.
    static var openDescriptors: Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.count { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            return target?.hasPrefix("anon_inode:") != true
        }
    }

    /// How many of its descriptors are TCP connections to a port, seen from the connecting end. Unlike the number of all
    /// descriptors it does not change with what other tests do.
    static func connections(toPort port: Int) throws -> Int {
        let own = Set(
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { name in
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            }
        )
        let hex = String(port, radix: 16, uppercase: true)
        let suffix = ":" + String(repeating: "0", count: 4 - hex.count) + hex
        return try text(of: "/proc/self/net/tcp").split(separator: "\n").count { line in
            // sl, local address, remote address, state, queues, timer, retransmits, user, timeout, inode
            let parts = line.split(separator: " ")
            guard parts.count > 9, parts[2].hasSuffix(suffix) else { return false }
            return own.contains("socket:[\(parts[9])]")
        }
    }

    /// The resident memory in bytes.
    static var residentBytes: Int {
        let figures = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = figures.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(getpagesize())
    }

    /// The kernel hands such a file out in pieces, which Foundation takes for its end.
    private static func text(of path: String) throws -> String {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &piece, piece.count)
            guard count >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[..<count]
        }
    }
}
