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
        if let file = options.caFile {
            // Read here, because a context that fails does not say over which file.
            do {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
            } catch {
                throw AMQPError(.tlsFailed, "the CA file '\(file)' cannot be used: \(error)", underlying: error)
            }
        }
        do {
            if let file = options.certificateFile {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
            }
        } catch {
            let file = options.certificateFile ?? ""
            throw AMQPError(.tlsFailed, "the certificate file '\(file)' cannot be used: \(error)", underlying: error)
        }
        do {
            if let file = options.keyFile {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem))
            }
        } catch {
            let file = options.keyFile ?? ""
            throw AMQPError(.tlsFailed, "the key file '\(file)' cannot be used: \(error)", underlying: error)
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw AMQPError(
                .tlsFailed,
                "TLS cannot be set up (do certificate and key belong together?): \(error)",
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

    /// What an error of the TLS layer means to an operator, or nil when it is none.
    static func explanation(_ error: any Error) -> AMQPError? {
        switch error {
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return AMQPError(
                .tlsFailed,
                "the broker's certificate is not for this host name: \(error)",
                underlying: error
            )
        case NIOSSLError.uncleanShutdown:
            return AMQPError(.connectionClosed, "the peer hung up", underlying: error)
        case is NIOSSLError, is BoringSSLError:
            let (code, meaning) = meaning(of: "\(error)")
            return AMQPError(code, meaning, underlying: error)
        default: return nil
        }
    }

    /// What the library's text, which is for its makers, means.
    private static func meaning(of text: String) -> (AMQPError.Code, String) {
        // The library knows the reasons by these names only.
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return (
                .tlsFailed,
                "the broker's certificate is out of date or not signed by an authority trusted here:"
                    + " give that authority's certificate as CA file"
            )
        }
        if text.contains("ALERT_CERTIFICATE_REQUIRED") {
            return (.tlsFailed, "the broker asks for a client certificate: give certificate file and key file")
        }
        if text.contains("_ALERT_") {
            return (.tlsFailed, "the broker refused the client certificate or the TLS version (\(reason(in: text)))")
        }
        if text.contains("WRONG_VERSION_NUMBER") {
            return (.tlsFailed, "the port does not speak TLS: use its TLS port, or amqp:// without TLS")
        }
        if text.contains("EOF during handshake") {
            return (.connectionFailed, "the peer hung up in the middle of the TLS handshake: does its port speak TLS?")
        }
        return (.tlsFailed, "TLS failed: \(reason(in: text))")
    }

    // "error:10000418:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA at …": the rest is of no use to an operator.
    private static func reason(in text: String) -> Substring {
        guard let mark = text.firstRange(of: "OPENSSL_internal:") else { return text[...] }
        return text[mark.upperBound...].prefix { $0 != " " }
    }
}
