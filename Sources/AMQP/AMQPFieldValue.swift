/// A value in a table of arguments or headers.
///
/// Every kind that a broker may send is decoded: narrower integers widen to `int`, an unsigned 64-bit integer above its
/// range is clamped, decimals and floats become `double`, and text that is not UTF-8 becomes `bytes`.
package enum AMQPFieldValue: Sendable, Hashable {
    case bool(Bool)
    case int(Int64)
    case string(String)
    case table([String: AMQPFieldValue])
    case array([AMQPFieldValue])
    /// Seconds since 1970.
    case timestamp(UInt64)
    case double(Double)
    case void
    case bytes([UInt8])
}

extension AMQPFieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}
