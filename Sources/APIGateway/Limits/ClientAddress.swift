import Glibc

/// An IP address as 16 bytes; an IPv4 address is its mapped IPv6 form (`::ffff:192.0.2.1`).
package struct ClientAddress: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    private static let mappedPrefix: UInt64 = 0xFFFF << 32

    /// Stands for a client whose address is not known: a local socket.
    package static let unknown = ClientAddress(high: 0, low: 0)

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads an address, also in brackets and with a port behind it; nil for anything else.
    package init?(_ text: some StringProtocol) {
        var text = Substring(text.trimmed)
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            text = text[text.index(after: text.startIndex)..<end]
        } else if text.contains("."), let colon = text.lastIndex(of: ":"), !text[..<colon].contains(":") {
            text = text[..<colon]
        }
        // A zone (`fe80::1%eth0`) names an interface of the other side.
        text = text.prefix { $0 != "%" }
        let digits = String(text)
        var v4 = in_addr()
        if inet_pton(AF_INET, digits, &v4) == 1 {
            self.init(high: 0, low: ClientAddress.mappedPrefix | UInt64(UInt32(bigEndian: v4.s_addr)))
            return
        }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, digits, &v6) == 1 else { return nil }
        let words = withUnsafeBytes(of: &v6) { bytes in
            (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
    }

    /// 32 hexadecimal digits: the same for the same address, however it was written.
    package var description: String {
        [high, low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    package var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// What limits are counted by: an IPv4 address itself, of an IPv6 one the /64, which one household has alone.
    package var network: ClientAddress { isIPv4 ? self : ClientAddress(high: high, low: 0) }
}

/// Addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, or one address alone.
package struct AddressBlock: Hashable, Sendable {
    private let address: ClientAddress
    private let bits: Int

    /// Nil for what is no address, or a length that the address does not have.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = ClientAddress(parts[0]) else { return nil }
        let size = address.isIPv4 ? 32 : 128
        let bits = parts.count == 2 ? Int(parts[1]) : size
        guard let bits, (0...size).contains(bits) else { return nil }
        self.address = address
        self.bits = bits + (address.isIPv4 ? 96 : 0)
    }

    package func contains(_ other: ClientAddress) -> Bool {
        AddressBlock.agree(address.high, other.high, bits: min(bits, 64))
            && AddressBlock.agree(address.low, other.low, bits: bits - 64)
    }

    private static func agree(_ left: UInt64, _ right: UInt64, bits: Int) -> Bool {
        bits <= 0 || (left ^ right) >> UInt64(64 - bits) == 0
    }
}

/// The proxies in front of a gateway, whose word about who asks is taken.
package struct TrustedProxies: Hashable, Sendable {
    private let blocks: [AddressBlock]

    package init(_ blocks: [AddressBlock] = []) { self.blocks = blocks }

    /// The client behind `peer`: the last hop of `X-Forwarded-For` that is not one of these proxies.
    ///
    /// A client may write anything into that header, but what a trusted proxy appends to it stands behind that.
    /// - Parameter forwarded: the values of the header, in their order.
    package func client(behind peer: ClientAddress, forwarded: [String]) -> ClientAddress {
        guard isTrusted(peer) else { return peer }
        var client = peer
        for hop in forwarded.flatMap({ $0.split(separator: ",") }).reversed() {
            guard let address = ClientAddress(hop) else { break }
            client = address
            if !isTrusted(address) { break }
        }
        return client
    }

    private func isTrusted(_ address: ClientAddress) -> Bool { blocks.contains { $0.contains(address) } }
}
