import Glibc

/// The right to write a log: an exclusive `flock` on a file beside it, which the kernel frees when the holder dies.
///
/// The file itself stays: removing it would let two holders lock two different files of one name.
final class LockFile: @unchecked Sendable {
    // Safe to share: written by `init` and by the one owner that closes the log.
    private var descriptor: Int32

    /// Takes the lock of the log at `path`, or throws `.locked` with the holder's process id.
    init(guarding path: String) throws(EventLogError) {
        let lockPath = path + ".lock"
        descriptor = Glibc.open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw EventLogError.opening(lockPath, errno: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            let holder = LockFile.holder(descriptor)
            Glibc.close(descriptor)
            guard reason == EWOULDBLOCK else { throw EventLogError.opening(lockPath, errno: reason) }
            throw EventLogError(.locked, "\(path) is in use by process \(holder); stop it first")
        }
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        pwrite(descriptor, text, text.count, 0)
    }

    deinit { release() }

    /// Lets the next holder in.
    func release() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// The path without symbolic links: by whatever name a log is opened, it has one lock.
    static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static func holder(_ descriptor: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &text, text.count, 0)
        let digits = text.prefix(max(0, count)).prefix { (48...57).contains($0) }
        return digits.isEmpty ? "(unknown)" : String(decoding: digits, as: UTF8.self)
    }
}

extension EventLogError {
    /// Why a file could not be opened.
    static func opening(_ path: String, errno code: Int32) -> EventLogError {
        let detail = String(cString: strerror(code))
        switch code {
        case EACCES, EPERM, EROFS:
            return EventLogError(.permission, "\(path) may not be written (\(detail)); check its owner and mode")
        case ENOENT, ENOTDIR:
            return EventLogError(.inputOutput, "\(path) cannot be made (\(detail)); create its directory first")
        case ENOSPC, EDQUOT:
            return EventLogError(.diskFull, "no space left for \(path); free some and start again")
        default:
            return EventLogError(.inputOutput, "\(path) cannot be opened (\(detail))")
        }
    }
}
