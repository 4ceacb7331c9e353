package import Contracts
import Glibc

/// The file of placed calls, or that of sent messages, opened for appending with mode 0600.
///
/// Several workers may share one file: each batch is a single `write` on an `O_APPEND` descriptor, so lines of
/// different processes never mix. One thread at a time appends.
package final class Ledger: Sendable {
    /// Why the ledger cannot be used.
    package struct Failure: Error, CustomStringConvertible, Sendable {
        package let description: String
    }

    private let descriptor: Int32
    private let path: String
    private let noun: String

    /// Opens or makes the file.
    ///
    /// - Parameter noun: what errors call it.
    package init(path: String, noun: String = "ledger") throws(Failure) {
        self.path = path
        self.noun = noun
        let opened = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else {
            throw Failure(description: "cannot open the \(noun) \(path): \(String(cString: strerror(errno)))")
        }
        descriptor = opened
        var status = stat()
        // An older file may be readable for others: it holds whole numbers. Devices and pipes are left as they are.
        guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o777 != 0o600 else {
            return
        }
        guard fchmod(opened, 0o600) == 0 else {
            throw Failure(description: "cannot make the \(noun) \(path) private: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// Appends the lines with one `write`.
    ///
    /// - Returns: how many of them are wholly in the file, counted from the first, and what kept the others out.
    package func append(_ lines: [LedgerLine]) -> (count: Int, failure: Failure?) {
        append(documents: lines.map(\.json))
    }

    /// The same, of any documents.
    package func append(documents lines: [JSONValue]) -> (count: Int, failure: Failure?) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(lines.count * 400)
        var ends: [Int] = []
        for line in lines {
            line.write(into: &bytes)
            bytes.append(UInt8(ascii: "\n"))
            ends.append(bytes.count)
        }
        let written = write(bytes)
        guard written < bytes.count else { return (lines.count, nil) }
        let reason = written < 0 ? String(cString: strerror(errno)) : "only \(written) of \(bytes.count) bytes fit"
        let whole = ends.prefix { $0 <= written }.count
        if written > 0, written != ends[..<whole].last {
            // Ends the torn line, so that the next one is whole again.
            _ = write([UInt8(ascii: "\n")])
        }
        return (whole, Failure(description: "cannot write the \(noun) \(path): \(reason)"))
    }

    private func write(_ bytes: [UInt8]) -> Int {
        var written = -1
        repeat {
            written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        } while written < 0 && errno == EINTR
        return written
    }
}
