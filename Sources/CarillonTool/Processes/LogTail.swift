import Contracts
import Foundation

/// The end of a daemon's log.
enum LogTail {
    /// What the last line says: the message of a JSON line, else the line.
    static func lastMessage(of path: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        guard let size = try? handle.seekToEnd() else { return nil }
        try? handle.seek(toOffset: size > 8192 ? size - 8192 : 0)
        guard let data = try? handle.readToEnd() else { return nil }
        return message(in: String(decoding: data, as: UTF8.self))
    }

    static func message(in text: String) -> String? {
        let lines = text.split(whereSeparator: \.isNewline)
        guard let last = lines.last(where: { $0.contains { !$0.isWhitespace } }) else { return nil }
        if last.hasPrefix("{"), let json = try? JSONValue(parsing: Array(last.utf8)),
            let message = json["message"].string
        {
            return message
        }
        return String(last)
    }
}

/// Copies what is appended to log files to stderr, for `--verbose`.
struct LogFollower {
    private var offsets: [String: UInt64] = [:]

    /// Copies what came since the last call; what was there at the first one is skipped.
    mutating func copyNew(of files: [(name: String, path: String)]) {
        for (name, path) in files {
            guard let handle = FileHandle(forReadingAtPath: path) else { continue }
            defer { try? handle.close() }
            let size = (try? handle.seekToEnd()) ?? 0
            let offset = min(offsets[path] ?? size, size)
            try? handle.seek(toOffset: offset)
            let data = (try? handle.read(upToCount: 1 << 20)) ?? Data()
            // Only whole lines, so that the lines of several daemons do not run into each other.
            guard let end = data.lastIndex(of: UInt8(ascii: "\n")) else {
                offsets[path] = offset
                continue
            }
            offsets[path] = offset + UInt64(end + 1)
            for line in String(decoding: data[...end], as: UTF8.self).split(separator: "\n") {
                Terminal.writeError("\(name): \(line)\n")
            }
        }
    }
}
