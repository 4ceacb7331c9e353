import Contracts
import Crypto
import Glibc

/// A SHA-256 value.
struct Hash: Hashable, Sendable {
    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt64 = 0
    private var fourth: UInt64 = 0

    /// Takes over exactly 32 bytes; nil for another length.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 32 else { return nil }
        withUnsafeMutableBytes(of: &self) { $0.copyMemory(from: bytes) }
    }

    /// The hash of `bytes`.
    init(of bytes: UnsafeRawBufferPointer) {
        var function = SHA256()
        function.update(bufferPointer: bytes)
        let digest = function.finalize()
        withUnsafeMutableBytes(of: &self) { own in digest.withUnsafeBytes { own.copyMemory(from: $0) } }
    }
}

/// Computes the hashes that make the log tamper-evident.
///
/// ```
/// data_hash = SHA-256(salt ‖ data)                          salt: 16 random bytes of this event
/// chain(0)  = SHA-256("carillon-event-log/1" ‖ log id)      log id: 16 bytes, meta.log_id
/// chain(n)  = SHA-256(chain(n-1) ‖ header(n) ‖ data_hash(n))
/// header    = field(position) ‖ field(stream) ‖ field(version) ‖ field(type) ‖ field(schema) ‖ field(event_id)
///             ‖ field(correlation_id) ‖ field(causation_id) ‖ field(recorded_at) ‖ field(actor)
/// field(x)  = length of x in bytes (4 bytes, big-endian) ‖ x
/// ```
/// Numbers are 8 bytes, big-endian, two's complement; texts are UTF-8; ids are their 16 bytes; an absent causation is a
/// field of length 0. The chain covers the hash of the data and not the data, so data and salt of an event can be
/// erased while its chain still proves that the event was there; without its salt the hash of a short text tells
/// nothing.
struct EventChain {
    private var preimage: [UInt8] = []

    init() { preimage.reserveCapacity(512) }

    /// The value before the first event.
    static func genesis(logID: ID) -> Hash {
        (Array("carillon-event-log/1".utf8) + logID.bytes).withUnsafeBytes { Hash(of: $0) }
    }

    /// The hash of salt and data; between two links only.
    mutating func dataHash(salt: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> Hash {
        preimage.removeAll(keepingCapacity: true)
        preimage.append(contentsOf: salt)
        preimage.append(contentsOf: data)
        return preimage.withUnsafeBytes { Hash(of: $0) }
    }

    /// Starts the link after `previous`; then come the ten header fields in order, then ``finish(_:)``.
    mutating func begin(after previous: Hash) {
        preimage.removeAll(keepingCapacity: true)
        withUnsafeBytes(of: previous) { preimage.append(contentsOf: $0) }
    }

    mutating func field(_ value: Int64) {
        // Words of 32 bits follow one another without a gap, so that each field is one append.
        let (high, low) = EventChain.words(UInt64(bitPattern: value))
        withUnsafeBytes(of: (UInt32(8).bigEndian, high, low)) { preimage.append(contentsOf: $0) }
    }

    /// Answers where the bytes of the text are.
    @discardableResult
    mutating func field(_ text: String) -> Range<Int> {
        let text = text.utf8
        length(text.count)
        let start = preimage.count
        preimage.append(contentsOf: text)
        return start..<preimage.count
    }

    /// Answers where the 16 bytes are; nowhere for nil.
    @discardableResult
    mutating func field(_ id: ID?) -> Range<Int> {
        guard let id else {
            length(0)
            return preimage.count..<preimage.count
        }
        let (first, second) = EventChain.words(id.high)
        let (third, fourth) = EventChain.words(id.low)
        withUnsafeBytes(of: (UInt32(16).bigEndian, first, second, third, fourth)) { preimage.append(contentsOf: $0) }
        return preimage.count - 16..<preimage.count
    }

    mutating func field(_ bytes: UnsafeRawBufferPointer) {
        length(bytes.count)
        preimage.append(contentsOf: bytes)
    }

    /// What was hashed last.
    func withBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        try preimage.withUnsafeBytes(body)
    }

    private static func words(_ value: UInt64) -> (high: UInt32, low: UInt32) {
        (UInt32(truncatingIfNeeded: value >> 32).bigEndian, UInt32(truncatingIfNeeded: value).bigEndian)
    }

    mutating func finish(_ dataHash: Hash) -> Hash {
        withUnsafeBytes(of: dataHash) { preimage.append(contentsOf: $0) }
        return preimage.withUnsafeBytes { Hash(of: $0) }
    }

    private mutating func length(_ count: Int) {
        withUnsafeBytes(of: UInt32(count).bigEndian) { preimage.append(contentsOf: $0) }
    }
}

/// 16 unpredictable bytes that go with the data of one event.
struct Salt {
    let first: UInt64
    let second: UInt64
}

/// Salts from the kernel, fetched 16 at a time: that is the most that `getentropy` gives at once.
struct SaltSource {
    private var buffer = [UInt64](repeating: 0, count: 32)
    private var used = 32

    mutating func next() -> Salt {
        if used == buffer.count { refill() }
        defer { used += 2 }
        return Salt(first: buffer[used], second: buffer[used + 1])
    }

    private mutating func refill() {
        let result = buffer.withUnsafeMutableBytes { getentropy($0.baseAddress!, $0.count) }
        precondition(result == 0, "the kernel gave no random bytes (errno \(errno))")
        used = 0
    }
}
