import Glibc

extension LineLogHandler {
    /// One line at a time, also where the kernel takes a line in parts.
    private static let output = Locked(())

    /// Writes all of the line. Nobody can be told that the log cannot be written.
    package static let toStandardError: @Sendable ([UInt8]) -> Void = { line in
        output.withLock { _ in writeAll(line, to: STDERR_FILENO) }
    }

    /// Tries again after an interruption, and waits up to a second for a full pipe that does not block.
    static func writeAll(_ bytes: [UInt8], to descriptor: CInt) {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if count < 0, errno == EAGAIN {
                    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    if poll(&entry, 1, 1000) == 0 { return }
                } else if count == 0 || errno != EINTR {
                    return
                }
            }
        }
    }

    /// The line before an end by force: without the lock, and not at all where nobody reads.
    static func lastWords(_ line: String) {
        var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, 200) == 1 else { return }
        let bytes = Array("\(oneLine(line))\n".utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
