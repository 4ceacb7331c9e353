import AsyncHTTPClient
import Foundation
import NIOCore
import Service

/// A file on its way to the gateway, in pieces: it is never wholly in memory.
final class Upload: Sendable {
    let path: String
    let size: Int
    private let sent = Locked(0)

    /// Throws one line for a file that cannot be read.
    init(path: String) throws(ToolError) {
        var information = stat()
        guard stat(path, &information) == 0, access(path, R_OK) == 0 else {
            throw .configuration("\(path) cannot be read (\(String(cString: strerror(errno)))); give another file")
        }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw .configuration("\(path) is not a file; give a CSV or NDJSON file")
        }
        self.path = path
        size = Int(information.st_size)
    }

    var contentType: String {
        path.hasSuffix(".ndjson") || path.hasSuffix(".jsonl") ? "application/x-ndjson" : "text/csv"
    }

    var progress: ProgressBar {
        let done = sent.value
        return ProgressBar(
            fraction: size == 0 ? 1 : Double(done) / Double(size),
            label: "import",
            detail: "\(Quantity.bytes(done)) of \(Quantity.bytes(size))"
        )
    }

    func body() -> HTTPClientRequest.Body {
        let pieces = AsyncThrowingStream<ByteBuffer, any Error>(unfolding: pieceReader())
        return .stream(pieces, length: .known(Int64(size)))
    }

    private func pieceReader() -> @Sendable () async throws -> ByteBuffer? {
        let handle = Locked(FileHandle(forReadingAtPath: path))
        return { [sent, path, size] in
            guard let file = handle.value else { throw ToolError.failed("\(path) cannot be read") }
            // No more than was announced, though the file may grow meanwhile.
            let wanted = min(64 << 10, size - sent.value)
            guard wanted > 0, let data = try file.read(upToCount: wanted), !data.isEmpty else { return nil }
            sent.withLock { $0 += data.count }
            return ByteBuffer(bytes: data)
        }
    }
}

/// Numbers for people.
enum Quantity {
    static func bytes(_ count: Int) -> String {
        if count < 1 << 10 { return "\(count) B" }
        if count < 1 << 20 { return tenths(Double(count) / 1024) + " KiB" }
        return tenths(Double(count) / 1_048_576) + " MiB"
    }

    /// One digit after the point.
    static func tenths(_ value: Double) -> String {
        let scaled = Int((value * 10).rounded())
        return "\(scaled / 10).\(scaled % 10)"
    }
}
