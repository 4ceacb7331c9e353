import Contracts
import Crypto

/// The ids that an import gives to its rows and slices: they rise with the line, so that targets keep the file's order.
///
/// Layout (RFC 9562): 48 bits of milliseconds, version 7, the line in the 32 bits that follow, 42 random bits. With an
/// idempotency key, time and randomness are replaced by a hash of it (version 8): the same file sent again has the same
/// ids, so that a repeat after a failure makes nothing twice.
struct ImportIDs: Sendable {
    private let prefix: UInt64
    private let version: UInt64
    private let salt: UInt64

    init(at now: Timestamp) {
        prefix = UInt64(max(0, now.microseconds / 1000)) & 0xFFFF_FFFF_FFFF
        version = 7
        salt = UInt64.random(in: .min ... .max) & 0x3FF_FFFF_FFFF
    }

    init(key: String, customer: ID, outdial: ID) {
        let digest = Array(SHA256.hash(data: customer.bytes + outdial.bytes + Array(key.utf8)))
        prefix = digest[0..<6].reduce(0) { $0 << 8 | UInt64($1) }
        version = 8
        salt = digest[6..<12].reduce(0) { $0 << 8 | UInt64($1) } & 0x3FF_FFFF_FFFF
    }

    /// The id of the row on `line`.
    func row(_ line: Int) -> ID { id(line, salt: salt) }

    /// The id of the request whose first row is on `line`.
    func slice(firstLine line: Int) -> ID { id(line, salt: salt ^ 1) }

    private func id(_ line: Int, salt: UInt64) -> ID {
        let line = UInt64(truncatingIfNeeded: line)
        return ID(
            high: prefix << 16 | version << 12 | (line >> 20) & 0xFFF,
            low: 1 << 63 | (line & 0xF_FFFF) << 42 | salt
        )
    }
}
