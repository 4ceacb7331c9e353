/// The parameters behind the `?` of a request: percent decoded, the first of a repeated name wins.
///
/// It may hold access keys, so it has no description and is never logged.
package struct QueryString: Sendable {
    private let pairs: [(name: String, raw: Substring)]

    package init(_ text: some StringProtocol) {
        pairs = Substring(text).split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (QueryString.decode(parts[0], plusIsSpace: true), parts.count > 1 ? parts[1] : "")
        }
    }

    /// The value with `+` read as a space, as forms send it; nil when it is absent or empty.
    package subscript(name: String) -> String? { value(name, plusIsSpace: true) }

    /// The value with `+` kept, for times with an offset; nil when it is absent or empty.
    package func literal(_ name: String) -> String? { value(name, plusIsSpace: false) }

    /// Whether the parameter says yes.
    package func flag(_ name: String) -> Bool { ["true", "1"].contains(self[name]) }

    private func value(_ name: String, plusIsSpace: Bool) -> String? {
        guard let pair = pairs.first(where: { $0.name == name }), !pair.raw.isEmpty else { return nil }
        return QueryString.decode(pair.raw, plusIsSpace: plusIsSpace)
    }

    static func decode(_ text: Substring, plusIsSpace: Bool) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let high = rest.first?.hexDigit,
                let low = rest.dropFirst().first?.hexDigit
            {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension UInt8 {
    /// The value of an ASCII hexadecimal digit; nil for anything else.
    var hexDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
