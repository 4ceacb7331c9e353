/// Why a zone's file cannot be read.
package struct ZoneFileError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// Reads the format of zoneinfo files: TZif, RFC 9636. Only its second part, with 64-bit times, is used.
extension ZoneRules {
    package init(file bytes: [UInt8]) throws(ZoneFileError) {
        var reader = ZoneFileReader(bytes)
        let first = try reader.header()
        guard first.version >= UInt8(ascii: "2") else { throw ZoneFileError(description: "it is of version 1") }
        try reader.skip(first.bodyLength(timeSize: 4))
        let header = try reader.header()
        var transitions: [Int64] = []
        for _ in 0..<header.transitions { transitions.append(Int64(bitPattern: try reader.number(8))) }
        var kinds: [Int] = []
        for _ in 0..<header.transitions { kinds.append(Int(try reader.number(1))) }
        var kindOffsets: [Int] = []
        for _ in 0..<header.kinds {
            kindOffsets.append(Int(Int32(truncatingIfNeeded: Int64(bitPattern: try reader.number(4)))))
            try reader.skip(2)
        }
        guard let firstOffset = kindOffsets.first, kinds.allSatisfy(kindOffsets.indices.contains),
            zip(transitions, transitions.dropFirst()).allSatisfy(<)
        else { throw ZoneFileError(description: "its transitions make no sense") }
        try reader.skip(header.tailLength(timeSize: 8))
        let footer = try reader.footer()
        var rule: YearlyRule?
        if !footer.isEmpty {
            guard let known = YearlyRule(footer) else {
                throw ZoneFileError(description: "its last line is not understood: \(footer)")
            }
            rule = known
        }
        self.init(
            transitions: transitions,
            offsets: kinds.map { kindOffsets[$0] },
            firstOffset: firstOffset,
            rule: rule
        )
    }
}

private struct ZoneFileReader {
    struct Header {
        var version: UInt8
        var universalFlags: Int
        var standardFlags: Int
        var leapSeconds: Int
        var transitions: Int
        var kinds: Int
        var names: Int

        /// What follows the kinds of local time.
        func tailLength(timeSize: Int) -> Int {
            names + leapSeconds * (timeSize + 4) + standardFlags + universalFlags
        }

        func bodyLength(timeSize: Int) -> Int {
            transitions * (timeSize + 1) + kinds * 6 + tailLength(timeSize: timeSize)
        }
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func header() throws(ZoneFileError) -> Header {
        guard try number(4) == 0x545A_6966 else { throw ZoneFileError(description: "it is no zone file") }
        let version = UInt8(try number(1))
        try skip(15)
        var counts: [Int] = []
        for _ in 0..<6 { counts.append(Int(try number(4))) }
        return Header(
            version: version,
            universalFlags: counts[0],
            standardFlags: counts[1],
            leapSeconds: counts[2],
            transitions: counts[3],
            kinds: counts[4],
            names: counts[5]
        )
    }

    /// An unsigned number; one of fewer than 8 bytes is extended by zeros.
    mutating func number(_ size: Int) throws(ZoneFileError) -> UInt64 {
        guard bytes.count - position >= size else { throw ZoneFileError(description: "it ends too early") }
        defer { position += size }
        return bytes[position..<(position + size)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func skip(_ count: Int) throws(ZoneFileError) {
        guard bytes.count - position >= count else { throw ZoneFileError(description: "it ends too early") }
        position += count
    }

    /// The text between the two last line feeds.
    mutating func footer() throws(ZoneFileError) -> String {
        guard try number(1) == 10, bytes.last == 10, position < bytes.count else {
            throw ZoneFileError(description: "its last line is missing")
        }
        return String(decoding: bytes[position..<(bytes.count - 1)], as: UTF8.self)
    }
}
