import APIGateway
import Testing

@Suite struct ClientAddressTests {
    private func address(_ text: String) throws -> ClientAddress { try #require(ClientAddress(text), "\(text)") }

    @Test func addressesAreReadInEveryForm() throws {
        let forms = ["192.0.2.1", " 192.0.2.1 ", "192.0.2.1:8080", "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:80"]
        for form in forms { #expect(ClientAddress(form) == (try address("192.0.2.1")), "\(form)") }
        #expect(try address("2001:db8::1") == address("[2001:DB8:0::1]:443"))
        #expect(try address("fe80::1%eth0") == address("fe80::1"))
        for wrong in ["", "unknown", "192.0.2", "1.2.3.4.5", "_hidden", "2001:db8", "[::1"] {
            #expect(ClientAddress(wrong) == nil, "\(wrong)")
        }
    }

    @Test func anIPv6NetworkCountsAsOneAndAnIPv4AddressAlone() throws {
        #expect(try address("2001:db8:1:2::1").network == address("2001:db8:1:2:ffff::9").network)
        #expect(try address("2001:db8:1:2::1").network != address("2001:db8:1:3::1").network)
        #expect(try address("192.0.2.1").network != address("192.0.2.2").network)
    }

    @Test func onlyATrustedProxyIsBelieved() throws {
        let proxies = TrustedProxies(try ["10.0.0.0/8", "2001:db8::/32"].map { try #require(AddressBlock($0)) })
        let cases: [(String, [String], String)] = [
            ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
            ("10.1.2.3", [], "10.1.2.3"),
            ("10.1.2.3", ["198.51.100.7"], "198.51.100.7"),
            ("10.1.2.3", ["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
            ("10.1.2.3", ["6.6.6.6, 198.51.100.7, 10.9.9.9"], "198.51.100.7"),
            ("2001:db8::5", ["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
            ("10.1.2.3", ["198.51.100.7, nonsense"], "10.1.2.3"),
            ("10.1.2.3", ["10.4.4.4"], "10.4.4.4"),
        ]
        for (peer, forwarded, client) in cases {
            let found = proxies.client(behind: try address(peer), forwarded: forwarded)
            #expect(found == (try address(client)), "\(peer) \(forwarded)")
        }
        #expect(
            TrustedProxies().client(behind: try address("10.1.2.3"), forwarded: ["6.6.6.6"])
                == (try address("10.1.2.3"))
        )
    }

    @Test func blocksOfTheWrongLengthAreRefused() {
        for wrong in ["10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "x/8", "1.2.3.4/8/8"] {
            #expect(AddressBlock(wrong) == nil, "\(wrong)")
        }
    }
}
