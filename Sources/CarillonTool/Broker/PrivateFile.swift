import Foundation

/// Files and directories that only this user can read.
enum PrivateFile {
    /// Writes the whole file, mode 0600: afterwards the old or the new content is there, also after a power loss.
    static func write(_ text: String, to path: String) throws(ToolError) {
        let temporary = "\(path).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw problem(temporary) }
        let bytes = Array(text.utf8)
        let written = Glibc.write(descriptor, bytes, bytes.count)
        let synced = fsync(descriptor)
        close(descriptor)
        guard written == bytes.count, synced == 0, rename(temporary, path) == 0 else { throw problem(path) }
    }

    /// Makes the directory and those above it, mode 0700, unless it exists.
    static func makeDirectory(_ path: String) throws(ToolError) {
        if mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            var information = stat()
            guard stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else {
                throw .failed("\(path) is not a directory; give another one")
            }
        case ENOENT:
            let parent = (path as NSString).deletingLastPathComponent
            guard parent != path, !parent.isEmpty else { throw problem(path) }
            try makeDirectory(parent)
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw problem(path) }
        default: throw problem(path)
        }
    }

    static func problem(_ path: String) -> ToolError {
        let reason = errno
        let remedy =
            switch reason {
            case EACCES, EPERM, EROFS: "check its owner and mode, or give another directory"
            case ENOSPC, EDQUOT: "free some space"
            case ENOTDIR: "a part of it is not a directory; give another one"
            default: "give another directory"
            }
        return .failed("\(path) cannot be written (\(String(cString: strerror(reason)))): \(remedy)")
    }
}
