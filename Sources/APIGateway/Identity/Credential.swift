import Contracts
import Crypto
import HTTPTypes

/// What a client shows to say who it is. It has no description, so that it cannot end up in a log.
enum Credential: Sendable, Hashable {
    case sessionToken(String)
    case accessKey(String)

    /// Where it was found.
    enum Source: Sendable {
        case cookie
        case query
        case header
    }

    /// A text is an access key when it begins with their prefix, whichever name it was sent under.
    init(_ text: String) {
        self = text.hasPrefix(AccessKeyToken.prefix) ? .accessKey(text) : .sessionToken(text)
    }

    /// The first credential of a request: cookie `token`, `?token=`, `Authorization: Bearer`, cookie `accesskey`,
    /// `?accesskey=`.
    static func first(in call: ClientCall) -> (Credential, Source)? {
        let candidates: [(String?, Source)] = [
            (call.cookie("token"), .cookie), (call.query["token"], .query), (call.bearer, .header),
            (call.cookie("accesskey"), .cookie), (call.query["accesskey"], .query),
        ]
        for case (let text?, let source) in candidates where !text.isEmpty { return (Credential(text), source) }
        return nil
    }
}

/// An access key's secret text: `vb_` and 32 random letters and digits (190 bits).
struct AccessKeyToken: Sendable, Hashable {
    static let prefix = "vb_"
    let text: String

    init() {
        var generator = SystemRandomNumberGenerator()
        self.init(entropy: (0..<32).map { _ in UInt8.random(in: 0..<248, using: &generator) })
    }

    /// Of 32 bytes that nobody can guess.
    init(entropy: [UInt8]) {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        text = AccessKeyToken.prefix + String(entropy.map { alphabet[Int($0) % alphabet.count] })
    }

    /// The form that is stored and asked for: the SHA-256 of the text, in hexadecimal digits.
    static func hash(_ text: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let bytes = SHA256.hash(data: Array(text.utf8)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
