import Foundation

/// Certificates of a test's own, made by the `openssl` program and valid for two days.
package final class Certificates: Sendable {
    /// What went wrong, as a sentence.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// PEM files of a certificate and its key.
    package struct Pair: Sendable {
        package let certificateFile: String
        package let keyFile: String
    }

    /// The authority that signs what `issue` makes.
    package let authority: Pair
    private let directory: TemporaryDirectory
    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    package init() throws {
        directory = try TemporaryDirectory()
        authority = Pair(certificateFile: directory.file("ca.pem"), keyFile: directory.file("ca.key"))
        try Self.openssl(
            ["req", "-x509"] + Self.newKey + ["-subj", "/CN=Test authority", "-days", "2"]
                + ["-out", authority.certificateFile, "-keyout", authority.keyFile]
        )
    }

    /// Makes a certificate.
    /// - Parameter names: for whom, such as `DNS:localhost` or `IP:127.0.0.1`.
    package func issue(_ name: String, names: [String] = []) throws -> Pair {
        let pair = Pair(certificateFile: directory.file("\(name).pem"), keyFile: directory.file("\(name).key"))
        let (request, extensions) = (directory.file("\(name).csr"), directory.file("\(name).cnf"))
        let subject = ["-subj", "/CN=\(name)"]
        try Self.openssl(["req"] + Self.newKey + subject + ["-out", request, "-keyout", pair.keyFile])
        let alternatives = names.isEmpty ? "" : "subjectAltName=\(names.joined(separator: ","))\n"
        try ("basicConstraints=CA:FALSE\n" + alternatives).write(toFile: extensions, atomically: true, encoding: .utf8)
        try Self.openssl(
            ["x509", "-req", "-in", request, "-CA", authority.certificateFile, "-CAkey", authority.keyFile]
                + ["-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", pair.certificateFile]
        )
        return pair
    }

    private static func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw Failure(description: "openssl is not installed (\(error)): run deploy/install-dependencies")
        }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: "openssl \(arguments) failed") }
    }
}
