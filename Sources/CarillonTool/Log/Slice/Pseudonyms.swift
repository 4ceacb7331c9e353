import Contracts
import Crypto
import Foundation

/// Names for people and numbers that only the holder of the key can connect with them: the same text has the same one.
///
/// A text becomes `p_` and 16 hexadecimal digits of its HMAC-SHA-256, an address `p_…@masked.invalid`. A phone number
/// stays one: its country prefix and its length are kept, and two numbers never share a pseudonym, as the digits are
/// permuted by a Feistel network whose rounds are HMACs.
struct Pseudonyms: Sendable {
    private let key: SymmetricKey
    private static let rounds = 10
    private static let leastKey = 16

    /// Throws when the key is too short to keep anything secret.
    init(key bytes: [UInt8]) throws(ToolError) {
        guard bytes.count >= Pseudonyms.leastKey else {
            throw .configuration(
                "the key has \(bytes.count) bytes and needs \(Pseudonyms.leastKey); make one: head -c 32 /dev/urandom > key"
            )
        }
        key = SymmetricKey(data: bytes)
    }

    init(file: String) throws(ToolError) {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw .configuration("--key \(file) cannot be read; give a file of 16 random bytes or more")
        }
        try self.init(key: [UInt8](data))
    }

    /// What stands for a text: a number for a number, an address for an address, nothing for nothing.
    func text(_ text: String) -> String {
        if text.isEmpty { return text }
        if Address.isPossibleNumber(text) { return number(text) }
        let lower = text.lowercased()
        let scheme = ["sip:", "sips:"].first { lower.hasPrefix($0) } ?? ""
        let name = "p_" + hex(hash("text", Array(lower.dropFirst(scheme.count).utf8)).prefix(8))
        return scheme + name + (lower.contains("@") ? "@masked.invalid" : "")
    }

    /// Another number with the same country prefix and as many digits.
    func number(_ number: String) -> String {
        let digits = number.utf8.dropFirst().map { UInt64($0 - 48) }
        let prefix = Pseudonyms.prefixLength(digits)
        var left = Array(digits[prefix..<(prefix + (digits.count - prefix) / 2)])
        var right = Array(digits[(prefix + (digits.count - prefix) / 2)...])
        for round in 0..<Pseudonyms.rounds {
            // The two halves may differ in length, so they take turns instead of changing places.
            let context = "number \(digits.prefix(prefix)) \(digits.count) \(round)"
            if round.isMultiple(of: 2) { add(right, to: &left, context) } else { add(left, to: &right, context) }
        }
        let all = digits.prefix(prefix) + left + right
        return "+" + all.map { String($0) }.joined()
    }

    /// Another whole number with as many digits.
    func integer(_ value: Int64) -> Int64 {
        let text = String(value.magnitude)
        guard text.count > 3 else { return value }
        var other = hash("integer", Array(text.utf8)).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let least = (1..<text.count).reduce(UInt64(1)) { power, _ in power * 10 }
        other = least + other % (min(least, UInt64(Int64.max) / 10) * 9)
        return Int64(clamping: other) * (value < 0 ? -1 : 1)
    }

    /// Random bytes for nobody without the key, always the same ones for `id`.
    func salt(of id: ID) -> [UInt8] { Array(hash("salt", id.bytes).prefix(16)) }

    private func add(_ source: [UInt64], to digits: inout [UInt64], _ context: String) {
        guard !digits.isEmpty else { return }
        let bytes = hash(context, source.map { UInt8($0) })
        for index in digits.indices { digits[index] = (digits[index] + UInt64(bytes[index]) % 10) % 10 }
    }

    private func hash(_ purpose: String, _ bytes: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(purpose.utf8) + [0] + bytes, using: key))
    }

    private func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// E.164 country codes have one digit (1, 7), two or three; none begins another.
    private static func prefixLength(_ digits: [UInt64]) -> Int {
        if digits[0] == 1 || digits[0] == 7 { return 1 }
        return twoDigits.contains(digits[0] * 10 + digits[1]) ? 2 : 3
    }

    private static let twoDigits: Set<UInt64> = [
        20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61,
        62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
    ]
}
