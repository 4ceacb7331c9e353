import Crypto
import CryptoExtras
import Dispatch
import FoundationEssentials

/// Passwords as scrypt keeps them: `scrypt$N$r$p$salt$hash`, salt and hash in hexadecimal (RFC 7914).
///
/// Hashing is slow on purpose, so it runs on threads of its own, two at a time: others wait, and when a hundred do, the
/// next is refused with 429.
package struct PasswordHasher: Sendable {
    private let queue = DispatchQueue(label: "passwords", attributes: .concurrent)
    private let slots: HashingSlots

    /// N, r, p of RFC 7914: 2^15, 8, 1 takes about 32 MiB a hash. They are kept with each hash, so they can be raised.
    private static let (rounds, blockSize, parallelism) = (1 << 15, 8, 1)

    /// - Parameters:
    ///   - count: how many are hashed at once.
    ///   - limit: how many may wait.
    package init(count: Int = 2, limit: Int = 100) { slots = HashingSlots(count: count, limit: limit) }

    package func hash(_ password: String) async throws -> String {
        let salt = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
        let key = try await derive(
            password,
            salt,
            PasswordHasher.rounds,
            PasswordHasher.blockSize,
            PasswordHasher.parallelism
        )
        return [
            "scrypt", "\(PasswordHasher.rounds)", "\(PasswordHasher.blockSize)", "\(PasswordHasher.parallelism)",
            hexadecimal(salt), hexadecimal(key),
        ].joined(separator: "$")
    }

    /// Whether `password` is the one; `stored` nil (no such user) takes the same time and is false.
    package func verify(_ password: String, against stored: String?) async throws -> Bool {
        let parts = (stored ?? PasswordHasher.nobody).split(separator: "$")
        guard parts.count == 6, let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
            let parallelism = Int(parts[3]),
            let salt = bytes(hexadecimal: parts[4]), let expected = bytes(hexadecimal: parts[5])
        else { return false }
        let key = try await derive(password, salt, rounds, blockSize, parallelism)
        var difference = UInt8(key.count == expected.count ? 0 : 1)
        for (left, right) in zip(key, expected) { difference |= left ^ right }
        return difference == 0 && stored != nil
    }

    private static let nobody =
        "scrypt$\(rounds)$\(blockSize)$\(parallelism)$" + String(repeating: "00", count: 16) + "$"
        + String(repeating: "00", count: 32)

    private func derive(
        _ password: String,
        _ salt: [UInt8],
        _ rounds: Int,
        _ blockSize: Int,
        _ parallelism: Int
    ) async throws -> [UInt8] {
        try await slots.withSlot {
            try await withCheckedThrowingContinuation { continuation in
                queue.async {
                    let result = Result {
                        let key = try KDF.Scrypt.deriveKey(
                            from: Data(password.utf8),
                            salt: Data(salt),
                            outputByteCount: 32,
                            rounds: rounds,
                            blockSize: blockSize,
                            parallelism: parallelism
                        )
                        return key.withUnsafeBytes { [UInt8]($0) }
                    }
                    continuation.resume(with: result)
                }
            }
        }
    }
}

/// The hash that an access key is kept and looked up by.
package func accessKeyHash(_ token: String) -> String {
    hexadecimal(Array(SHA256.hash(data: Data(token.utf8))))
}

/// Random digits, twice as many as bytes, which nobody can guess.
func randomHexadecimal(bytes count: Int) -> String {
    hexadecimal((0..<count).map { _ in UInt8.random(in: .min ... .max) })
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

private func bytes(hexadecimal text: Substring) -> [UInt8]? {
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
