package import Contracts
import Crypto
import Foundation

/// How a receiver knows that a webhook is ours: HMAC-SHA-256 of the secret over the time, a dot and the body.
package enum WebhookSignature {
    /// The three headers of a webhook.
    package static func headers(
        event: ID,
        body: [UInt8],
        secret: String,
        at now: Timestamp
    ) -> [(name: String, value: String)] {
        let time = String(now.microseconds / 1_000_000)
        var code = HMAC<SHA256>(key: SymmetricKey(data: Data(secret.utf8)))
        code.update(data: Data("\(time).".utf8))
        code.update(data: body)
        let digits = Array("0123456789abcdef")
        let text = code.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return [
            (name: "Carillon-Event-Id", value: event.description), (name: "Carillon-Timestamp", value: time),
            (name: "Carillon-Signature", value: "sha256=" + String(text)),
        ]
    }
}
