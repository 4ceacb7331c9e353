import Glibc

/// The file that tells others where a gateway listens, for when the system chose the port.
package enum ListenFile {
    /// Writes `host:port` so that a reader sees all of it or nothing.
    /// - Throws: a sentence when the file cannot be written.
    package static func write(host: String, port: Int, to path: String) throws(ListenFileError) {
        let temporary = path + ".new"
        guard let file = fopen(temporary, "w") else { throw ListenFileError(path: path, code: errno) }
        let text = (host.contains(":") ? "[\(host)]" : host) + ":\(port)\n"
        let isWritten = fputs(text, file) >= 0
        guard fclose(file) == 0, isWritten, rename(temporary, path) == 0 else {
            throw ListenFileError(path: path, code: errno)
        }
    }
}

/// Why a ``ListenFile`` could not be written.
package struct ListenFileError: Error, CustomStringConvertible {
    let path: String
    let code: Int32

    package var description: String { "cannot write \(path): \(String(cString: strerror(code)))" }
}
