import Contracts
import Crypto

/// What a request with an `Idempotency-Key` gets from it: a fingerprint of its body, and secrets that repeats share.
///
/// All is made with the secret that the gateways share, so each of them makes the same, and from what a manager keeps
/// neither a body (which may hold a password) nor a token can be found out.
struct RepeatKey: Sendable {
    private let key: String
    private let path: String
    private let customer: ID
    private let secret: SymmetricKey

    init(key: String, path: String, customer: ID, secret: [UInt8]) {
        self.key = key
        self.path = path
        self.customer = customer
        self.secret = SymmetricKey(data: secret)
    }

    /// The mark that goes to the manager with a request of this body.
    func mark(for body: JSONValue) -> IdempotencyKey {
        let digits = Array("0123456789abcdef".utf8)
        let hash = code("body", body.bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return IdempotencyKey(key: key, path: path, fingerprint: String(decoding: hash, as: UTF8.self))
    }

    /// The token of the access key `id`: the same in the first answer and in each repeat of it.
    func token(of id: ID) -> AccessKeyToken { AccessKeyToken(entropy: code("token", id.bytes)) }

    private func code(_ purpose: String, _ data: [UInt8]) -> [UInt8] {
        var hmac = HMAC<SHA256>(key: secret)
        for part in [Array(purpose.utf8), customer.bytes, Array(path.utf8), Array(key.utf8), data] {
            withUnsafeBytes(of: part.count.littleEndian) { hmac.update(data: $0) }
            hmac.update(data: part)
        }
        return Array(hmac.finalize())
    }
}
