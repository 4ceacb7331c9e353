import NIOCore
import NIOSSL

/// `amqps://`: certificates and host names are always verified.
enum TLS {
    /// Reads the files anew for each connection, so that renewed certificates are taken up.
    /// - Throws: `.tlsFailed` naming the file.
    static func context(_ options: TLSOptions) throws(AMQPError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .fullVerification
        if let file = options.caFile { configuration.trustRoots = .file(file) }
        do {
            if let file = options.certificateFile {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
            }
        } catch {
            throw AMQPError(.tlsFailed, "the certificate file cannot be used: \(error)", underlying: error)
        }
        do {
            if let file = options.keyFile {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem))
            }
        } catch {
            throw AMQPError(.tlsFailed, "the key file cannot be used: \(error)", underlying: error)
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw AMQPError(
                .tlsFailed,
                "TLS cannot be set up (CA file, certificate and key): \(error)",
                underlying: error
            )
        }
    }

    /// A handler that verifies the peer against `hostName`, a name or an address.
    static func handler(_ context: NIOSSLContext, hostName: String) throws -> NIOSSLClientHandler {
        // A server name indication must not be an address; the peer is then verified against its address.
        let isAddress = (try? SocketAddress(ipAddress: hostName, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : hostName)
    }
}
