/// A 128-bit identifier: a UUID held as two words, cheap to copy, hash and compare.
///
/// Text form: lower-case `8-4-4-4-12` hex digits. Our own ids are UUIDv7 (time-ordered, see ``IDGenerator``).
package struct ID: Hashable, Sendable, Comparable {
    package let high: UInt64
    package let low: UInt64

    /// The nil UUID, which the public API uses for "not assigned".
    package static let none = ID(high: 0, low: 0)

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Parses the text form (any case, with its four dashes); nil when it is not one.
    package init?(_ text: some StringProtocol) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var digits = 0
        var offset = 0
        for byte in text.utf8 {
            if offset == 8 || offset == 13 || offset == 18 || offset == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                guard let nibble = hexValue(byte), digits < 32 else { return nil }
                if digits < 16 { high = high << 4 | UInt64(nibble) } else { low = low << 4 | UInt64(nibble) }
                digits += 1
            }
            offset += 1
        }
        guard digits == 32, offset == 36 else { return nil }
        self.init(high: high, low: low)
    }

    /// Reads the 16 bytes of `bytes`; nil when there are not exactly 16.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var words: [UInt64] = [0, 0]
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.init(high: words[0], low: words[1])
    }

    /// The 16 bytes, most significant first.
    package var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            for index in 0..<8 {
                buffer[index] = UInt8(truncatingIfNeeded: high >> (56 - 8 * UInt64(index)))
                buffer[index + 8] = UInt8(truncatingIfNeeded: low >> (56 - 8 * UInt64(index)))
            }
            count = 16
        }
    }

    package var isNone: Bool { high == 0 && low == 0 }

    /// When an id of ``IDGenerator`` was made, to the millisecond. Of others it means nothing.
    package var moment: Timestamp { Timestamp(microseconds: Int64(high >> 16) * 1000) }

    /// A second id that follows from this one: the same for the same `index`, different for others (index 0 is this id).
    ///
    /// Used for messages that follow from an event, so that publishing again repeats the same message id.
    package func derived(_ index: Int) -> ID {
        guard index != 0 else { return self }
        // The finaliser of splitmix64 spreads the index over the random half; the time half stays, so order stays.
        var mixed = UInt64(bitPattern: Int64(index)) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed ^= mixed >> 27
        return ID(high: high, low: (low ^ mixed) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// The id of a name that is none itself: the same for the same text. FNV-1a, so only for names whose owner would harm
    /// nobody else by finding two alike.
    package init(naming text: String) {
        var high: UInt64 = 0xCBF2_9CE4_8422_2325
        var low: UInt64 = 0x6C62_272E_07BB_0142
        for byte in text.utf8 {
            high = (high ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
            low = (low ^ UInt64(byte) ^ high >> 32) &* 0x0000_0100_0000_01B3
        }
        // Version 8: an id by a rule of its own.
        self.init(
            high: high & 0xFFFF_FFFF_FFFF_0FFF | 0x8000,
            low: low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        )
    }

    package static func < (left: ID, right: ID) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}

// MARK: - Canonical text

extension ID: CustomStringConvertible {
    package var description: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            write(to: buffer)
            return 36
        }
    }

    /// Appends the canonical text: 36 characters.
    package func write(into output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { buffer in
            write(to: buffer)
            output.append(contentsOf: buffer)
        }
    }

    private func write(to buffer: UnsafeMutableBufferPointer<UInt8>) {
        var offset = 0
        for byte in 0..<16 {
            if byte == 4 || byte == 6 || byte == 8 || byte == 10 {
                buffer[offset] = UInt8(ascii: "-")
                offset += 1
            }
            let word = byte < 8 ? high : low
            let value = UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64(byte & 7)))
            buffer[offset] = ID.digit(value >> 4)
            buffer[offset + 1] = ID.digit(value & 15)
            offset += 2
        }
    }

    private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }

    /// Reads 36 bytes of canonical text; nil for everything else, upper-case digits included.
    package init?(canonical bytes: UnsafeBufferPointer<UInt8>) {
        guard bytes.count == 36, bytes[8] == UInt8(ascii: "-"), bytes[13] == UInt8(ascii: "-"),
            bytes[18] == UInt8(ascii: "-"), bytes[23] == UInt8(ascii: "-"),
            let first = ID.number(bytes, 0..<8), let second = ID.number(bytes, 9..<13),
            let third = ID.number(bytes, 14..<18), let fourth = ID.number(bytes, 19..<23),
            let fifth = ID.number(bytes, 24..<36)
        else { return nil }
        self.init(high: first << 32 | second << 16 | third, low: fourth << 48 | fifth)
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> UInt64? {
        var value: UInt64 = 0
        for index in range {
            switch bytes[index] {
            case let digit where digit &- 48 < 10: value = value << 4 | UInt64(digit &- 48)
            case let digit where digit &- 97 < 6: value = value << 4 | UInt64(digit &- 87)
            default: return nil
            }
        }
        return value
    }
}

/// The value of a hexadecimal digit, or nil.
func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
}
