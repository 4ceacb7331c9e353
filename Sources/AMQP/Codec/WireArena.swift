import CAMQPCodec

/// Strings and tables in the form that the C codec takes: spans into one run of bytes, and fields in preorder.
struct WireArena {
    private(set) var bytes: [UInt8] = []
    private(set) var fields: [camqp_field] = []

    /// Forgets everything, keeping the memory.
    mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
    }

    mutating func span(_ text: String) -> camqp_span {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        return camqp_span(offset: UInt32(clamping: start), count: UInt32(clamping: bytes.count - start))
    }

    mutating func span(_ data: [UInt8]) -> camqp_span {
        let start = bytes.count
        bytes.append(contentsOf: data)
        return camqp_span(offset: UInt32(clamping: start), count: UInt32(clamping: data.count))
    }

    /// Appends the entries of a table, in the order of their keys so that equal tables give equal bytes.
    mutating func append(table: [String: AMQPFieldValue]) {
        for (key, value) in table.sorted(by: { $0.key < $1.key }) {
            append(value, key: key)
        }
    }

    private mutating func append(_ value: AMQPFieldValue, key: String?) {
        var field = camqp_field()
        if let key { field.key = span(key) }
        switch value {
        case .bool(let value):
            field.kind = UInt8(ascii: "t")
            field.integer = value ? 1 : 0
        case .int(let value):
            field.kind = UInt8(ascii: "l")
            field.integer = value
        case .string(let value):
            field.kind = UInt8(ascii: "S")
            field.bytes = span(value)
        case .bytes(let value):
            field.kind = UInt8(ascii: "x")
            field.bytes = span(value)
        case .timestamp(let value):
            field.kind = UInt8(ascii: "T")
            field.integer = Int64(bitPattern: value)
        case .double(let value):
            field.kind = UInt8(ascii: "d")
            field.number = value
        case .void:
            field.kind = UInt8(ascii: "V")
        case .table(let entries):
            field.kind = UInt8(ascii: "F")
            field.children = UInt32(clamping: entries.count)
            fields.append(field)
            append(table: entries)
            return
        case .array(let values):
            field.kind = UInt8(ascii: "A")
            field.children = UInt32(clamping: values.count)
            fields.append(field)
            for value in values { append(value, key: nil) }
            return
        }
        fields.append(field)
    }
}

/// What the C codec decoded, read back into values. Valid only as long as the frame that it borrows from.
struct WireReader {
    let arena: UnsafeBufferPointer<UInt8>
    let fields: UnsafeBufferPointer<camqp_field>

    init(_ frame: camqp_frame) {
        arena = UnsafeBufferPointer(start: frame.arena, count: frame.arena_count)
        fields = UnsafeBufferPointer(start: frame.fields, count: frame.field_count)
    }

    func bytes(_ span: camqp_span) -> [UInt8] {
        Array(slice(span))
    }

    /// Text; bytes that are not UTF-8 become replacement characters.
    func text(_ span: camqp_span) -> String {
        String(decoding: slice(span), as: UTF8.self)
    }

    /// The whole field list as one table.
    func table() -> [String: AMQPFieldValue] {
        var index = 0
        var result: [String: AMQPFieldValue] = [:]
        while index < fields.count {
            let key = text(fields[index].key)
            result[key] = value(at: &index)
        }
        return result
    }

    private func slice(_ span: camqp_span) -> Slice<UnsafeBufferPointer<UInt8>> {
        let start = min(Int(span.offset), arena.count)
        return arena[start..<min(start + Int(span.count), arena.count)]
    }

    private func value(at index: inout Int) -> AMQPFieldValue {
        guard index < fields.count else { return .void }
        let field = fields[index]
        index += 1
        switch field.kind {
        case UInt8(ascii: "t"): return .bool(field.integer != 0)
        case UInt8(ascii: "l"): return .int(field.integer)
        case UInt8(ascii: "T"): return .timestamp(UInt64(bitPattern: field.integer))
        case UInt8(ascii: "d"): return .double(field.number)
        case UInt8(ascii: "x"): return .bytes(bytes(field.bytes))
        case UInt8(ascii: "S"):
            let raw = slice(field.bytes)
            return String(validating: raw, as: UTF8.self).map(AMQPFieldValue.string) ?? .bytes(Array(raw))
        case UInt8(ascii: "F"):
            var result: [String: AMQPFieldValue] = [:]
            for _ in 0..<field.children where index < fields.count {
                let key = text(fields[index].key)
                result[key] = value(at: &index)
            }
            return .table(result)
        case UInt8(ascii: "A"):
            var result: [AMQPFieldValue] = []
            for _ in 0..<field.children where index < fields.count { result.append(value(at: &index)) }
            return .array(result)
        default: return .void
        }
    }
}
