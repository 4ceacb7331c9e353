import Glibc

/// The directory of a daemon's logs.
package enum DataDirectory {
    /// Makes the directory with its parents, for the owner alone, unless it is there; checks that we may write in it.
    package static func prepare(_ path: String) throws(StartupError) {
        guard !path.isEmpty else { throw failure(path, "has no name") }
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += (prefix.isEmpty || prefix == "/" ? "" : "/") + part
            if mkdir(prefix, 0o700) != 0, errno != EEXIST {
                throw failure(path, "cannot be made: \(String(cString: strerror(errno)))")
            }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw failure(path, "is not a directory")
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            throw failure(path, "cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    private static func failure(_ path: String, _ what: String) -> StartupError {
        StartupError(
            "the data directory \(path) \(what) (give this user the right to it, or name another with --data-dir)"
        )
    }
}
