/// Why a text is not JSON, or why a member of a document is not what it has to be.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    package var message: String
    package init(_ message: String) { self.message = message }
    package var description: String { message }
}

extension JSONValue {
    /// How deep documents may nest: enough for every real one, too little to exhaust a stack.
    package static let maximumDepth = 32

    /// Parses one document (RFC 8259, UTF-8); throws with the byte offset of what is wrong.
    package init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        let result: Result<JSONValue, JSONError>? = bytes.withContiguousStorageIfAvailable { buffer in
            JSONValue.parse(UnsafeBufferPointer(rebasing: buffer[...]))
        }
        self = try (result ?? Array(bytes).withUnsafeBufferPointer { JSONValue.parse($0) }).get()
    }

    /// Parses one document that lies in memory; nothing of `buffer` is kept.
    package init(parsing buffer: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        var parser = JSONParser(buffer: buffer)
        self = try parser.document()
    }

    private static func parse(_ buffer: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, JSONError> {
        var parser = JSONParser(buffer: buffer)
        do throws(JSONError) {
            return .success(try parser.document())
        } catch {
            return .failure(error)
        }
    }
}

private struct JSONParser {
    let buffer: UnsafeBufferPointer<UInt8>
    var position = 0

    init(buffer: UnsafeBufferPointer<UInt8>) { self.buffer = buffer }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard position == buffer.count else { throw unexpected("the end of the document") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        skipSpace()
        guard position < buffer.count else { throw unexpected("a value") }
        switch buffer[position] {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""):
            if let id = canonicalID() { return .uuid(id) }
            return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        try check(depth)
        position += 1
        var object = JSONObject()
        object.reserveCapacity(6)
        skipSpace()
        if take("}") { return .object(object) }
        repeat {
            skipSpace()
            guard position < buffer.count, buffer[position] == UInt8(ascii: "\"") else { throw unexpected("a name") }
            let name = try string()
            skipSpace()
            guard take(":") else { throw unexpected("':'") }
            let value = try value(depth: depth)
            // The last one of a repeated name wins, as in most readers. Only small objects are worth the look.
            if object.members.count < 64 { object[name] = value } else { object.append(name, value) }
            skipSpace()
        } while take(",")
        guard take("}") else { throw unexpected("',' or '}'") }
        return .object(object)
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        try check(depth)
        position += 1
        var values: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(values) }
        repeat {
            values.append(try value(depth: depth))
            skipSpace()
        } while take(",")
        guard take("]") else { throw unexpected("',' or ']'") }
        return .array(values)
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        // All bits that occur: the highest one only outside ASCII, which alone needs to be validated.
        var bits: UInt8 = 0
        while position < buffer.count {
            let byte = buffer[position]
            if byte == UInt8(ascii: "\"") {
                let bytes = UnsafeBufferPointer(rebasing: buffer[start..<position])
                let text = bits < 0x80 ? JSONParser.ascii(bytes) : try decode(bytes)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw unexpected("no control character in a string") }
            bits |= byte
            position += 1
        }
        throw unexpected("the end of a string")
    }

    /// The id that stands here as a string in its canonical form; nil, and nothing is taken, for any other string.
    private mutating func canonicalID() -> ID? {
        guard position + 38 <= buffer.count, buffer[position + 37] == UInt8(ascii: "\""),
            let id = ID(canonical: UnsafeBufferPointer(rebasing: buffer[position + 1..<position + 37]))
        else { return nil }
        position += 38
        return id
    }

    private static func ascii(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count) { text in
            if let start = bytes.baseAddress { text.baseAddress?.update(from: start, count: bytes.count) }
            return bytes.count
        }
    }

    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var bytes = Array(buffer[start..<position])
        while position < buffer.count {
            let byte = buffer[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try decode(bytes)
            case UInt8(ascii: "\\"): try escape(into: &bytes)
            case 0..<0x20: throw unexpected("no control character in a string")
            default: bytes.append(byte)
            }
        }
        throw unexpected("the end of a string")
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(JSONError) {
        guard position < buffer.count else { throw unexpected("an escape") }
        let byte = buffer[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = try hexQuad()
            if (0xD800..<0xDC00).contains(scalar), position + 1 < buffer.count,
                buffer[position] == UInt8(ascii: "\\"), buffer[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try hexQuad()
                guard (0xDC00..<0xE000).contains(low) else { throw unexpected("a low surrogate") }
                scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let character = Unicode.Scalar(scalar) else { throw unexpected("a surrogate pair") }
            bytes.append(contentsOf: String(Character(character)).utf8)
        default: throw unexpected("an escape")
        }
    }

    private mutating func hexQuad() throws(JSONError) -> UInt32 {
        guard position + 4 <= buffer.count else { throw unexpected("four hexadecimal digits") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = hexValue(buffer[position]) else { throw unexpected("four hexadecimal digits") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        let isNegative = take("-")
        let firstDigit = position
        var magnitude: UInt64 = 0
        var overflowed = false
        while position < buffer.count, (48...57).contains(buffer[position]) {
            let (product, first) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, second) = product.addingReportingOverflow(UInt64(buffer[position] - 48))
            overflowed = overflowed || first || second
            magnitude = sum
            position += 1
        }
        guard position > firstDigit else { throw unexpected("a value") }
        guard position - firstDigit == 1 || buffer[firstDigit] != 48 else { throw unexpected("no leading zero") }
        let next = position == buffer.count ? 0 : buffer[position]
        let isWhole = next != UInt8(ascii: ".") && next != UInt8(ascii: "e") && next != UInt8(ascii: "E")
        if isWhole, !overflowed {
            if !isNegative, let value = Int64(exactly: magnitude) { return .integer(value) }
            if isNegative, magnitude <= UInt64(Int64.max) + 1 {
                return .integer(Int64(truncatingIfNeeded: 0 &- magnitude))
            }
        }
        while position < buffer.count, JSONParser.isInNumber(buffer[position]) { position += 1 }
        guard buffer[position - 1] != 0x2E, let value = Double(try decode(buffer[start..<position])), value.isFinite
        else { throw unexpected("a number") }
        return .double(value)
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let count = text.utf8CodeUnitCount
        guard position + count <= buffer.count else { throw unexpected("a value") }
        for index in 0..<count where buffer[position + index] != text.utf8Start[index] { throw unexpected("a value") }
        position += count
        return value
    }

    private func decode(_ bytes: some Collection<UInt8>) throws(JSONError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw unexpected("valid UTF-8") }
        return text
    }

    private func check(_ depth: Int) throws(JSONError) {
        guard depth <= JSONValue.maximumDepth else {
            throw JSONError("the document nests deeper than \(JSONValue.maximumDepth) levels")
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < buffer.count, buffer[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < buffer.count {
            switch buffer[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// A digit, or one of `.eE+-`.
    private static func isInNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 0x2E, 0x65, 0x45, 0x2B, 0x2D: true
        default: false
        }
    }

    private func unexpected(_ expected: String) -> JSONError {
        JSONError("expected \(expected) at byte \(position)")
    }
}
