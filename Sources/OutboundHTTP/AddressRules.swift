/// Which addresses customers may have us connect to: those of the public internet, and what the operator allows.
///
/// A pure value. Only addresses that were resolved are judged, never the text of a URL: however `127.0.0.1` is spelled,
/// it is `127.0.0.1` once it is resolved.
package struct AddressRules: Hashable, Sendable {
    /// Blocks that are allowed although they are not public.
    package var allowedBlocks: [AddressBlock]
    /// Hosts, in lower case, that are allowed whatever they resolve to.
    package var allowedHosts: Set<String>

    /// What the operator gave that is neither a host, an address nor a block.
    package struct InvalidEntry: Error, Hashable {
        package let entry: String
    }

    package init(allowedBlocks: [AddressBlock] = [], allowedHosts: Set<String> = []) {
        self.allowedBlocks = allowedBlocks
        self.allowedHosts = allowedHosts
    }

    /// Reads hosts, addresses and blocks with commas between them: `CARILLON_OUTBOUND_ALLOW`.
    package init(allowing text: String) throws(InvalidEntry) {
        self.init()
        for part in text.split(separator: ",") {
            let entry = String(part.filter { $0 != " " }).lowercased()
            if let block = AddressBlock(entry) {
                allowedBlocks.append(block)
            } else if OutboundURL.isHostName(entry) {
                allowedHosts.insert(entry)
            } else if !entry.isEmpty {
                throw InvalidEntry(entry: entry)
            }
        }
    }

    /// Whether `host`, which resolved to `address`, may be connected to there.
    package func allows(_ address: IPAddress, of host: String) -> Bool {
        allowedHosts.contains(host) || allowedBlocks.contains { $0.contains(address) }
            || AddressRules.isPublic(address)
    }

    /// Whether an address belongs to the public internet (IANA's registries of special-purpose addresses). Forms of IPv6
    /// that carry an IPv4 address do not: what is behind them is nobody's guess.
    package static func isPublic(_ address: IPAddress) -> Bool {
        if address.isVersion4 { return !special4.contains { $0.contains(address) } }
        return global6.contains { $0.contains(address) } && !special6.contains { $0.contains(address) }
    }

    private static let special4 = blocks([
        "0.0.0.0/8",  // this network, unspecified
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  // private
        "100.64.0.0/10",  // carriers' NAT
        "127.0.0.0/8",  // loopback
        "169.254.0.0/16",  // link-local; the metadata of clouds
        "192.0.0.0/24",  // protocol assignments
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  // documentation
        "192.88.99.0/24",  // relays of 6to4
        "198.18.0.0/15",  // benchmarks
        "224.0.0.0/4",  // multicast
        "240.0.0.0/4",  // reserved, broadcast
    ])

    /// All that is handed out to anybody. Outside: loopback, IPv4-mapped, NAT64, local, multicast, reserved.
    private static let global6 = blocks(["2000::/3"])

    private static let special6 = blocks([
        "2001::/23",  // protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32", "3fff::/20",  // documentation
        "2002::/16",  // 6to4
    ])

    private static func blocks(_ texts: [String]) -> [AddressBlock] {
        texts.map { text in
            guard let block = AddressBlock(text) else { preconditionFailure("\(text) is no block of addresses") }
            return block
        }
    }
}
