package import AMQP
import Glibc

extension TLSOptions {
    /// The files for `amqps://`, from flags or `CARILLON_AMQP_CA`, `CARILLON_AMQP_CERTIFICATE` and `CARILLON_AMQP_KEY`;
    /// nil for an `url` without TLS. Throws for files that cannot be read, or that would be of no use.
    package static func settings(
        url: String,
        ca: String? = nil,
        certificate: String? = nil,
        key: String? = nil,
        environment: [String: String]
    ) throws(ConfigurationError) -> TLSOptions? {
        let ca = Setting("CARILLON_AMQP_CA", flag: ca, in: environment)
        let certificate = Setting("CARILLON_AMQP_CERTIFICATE", flag: certificate, in: environment)
        let key = Setting("CARILLON_AMQP_KEY", flag: key, in: environment)
        let given = [ca, certificate, key].filter { $0.value != nil }
        guard url.hasPrefix("amqps://") else {
            if let useless = given.first { throw useless.refusal("the broker's address must begin with amqps:// then") }
            return nil
        }
        for setting in given where access(setting.value ?? "", R_OK) != 0 {
            throw setting.refusal("give a PEM file that can be read (\(String(cString: strerror(errno))))")
        }
        if certificate.value != nil, key.value == nil {
            throw certificate.refusal("give \(key.name), its key, as well")
        }
        if key.value != nil, certificate.value == nil { throw key.refusal("give \(certificate.name) as well") }
        return TLSOptions(caFile: ca.value, certificateFile: certificate.value, keyFile: key.value)
    }
}
