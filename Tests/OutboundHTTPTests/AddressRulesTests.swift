import OutboundHTTP
import Testing

/// Where customers may have us connect to.
@Suite struct AddressRulesTests {
    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
        "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:4860:4860::8888", "2606:4700::1111",
        "2a00:1450::1", "2003::1", "3ffe::1",
    ]) func publicAddressesAreAllowed(_ text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(AddressRules().allows(address, of: "example.com"))
    }

    @Test(arguments: [
        // Unspecified, this network; loopback; private; carriers' NAT.
        "0.0.0.0", "0.255.255.255", "127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1",
        "172.31.255.255", "192.168.0.1", "192.168.255.255", "100.64.0.1", "100.127.255.255",
        // Link-local, with the metadata of clouds; assignments; documentation; benchmarks; multicast; broadcast.
        "169.254.169.254", "169.254.0.1", "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.51.100.1", "203.0.113.1",
        "198.18.0.1", "198.19.255.255", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        // The same in IPv6.
        "::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "2001:db8::1",
        "3fff::1", "100::1", "2001::1", "2001:2::1", "2001:20::1", "5f00::1",
        // Forms that carry an IPv4 address: mapped, translated, compatible, 6to4, NAT64, Teredo.
        "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "::127.0.0.1", "2002:7f00:1::1", "2002:808:808::1",
        "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2001:0:7f00:1::1",
    ]) func othersAreBlocked(_ text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(!AddressRules().allows(address, of: "example.com"), "\(address)")
    }

    @Test func theOperatorAllowsHostsAddressesAndBlocks() throws {
        let rules = try AddressRules(allowing: "127.0.0.1, 10.1.0.0/16,fd00::/8,Hooks.Internal")
        func allows(_ text: String, _ host: String = "x") throws -> Bool {
            rules.allows(try #require(IPAddress(text)), of: host)
        }
        #expect(try allows("127.0.0.1") && allows("10.1.255.1") && allows("fd12::1"))
        #expect(try !allows("127.0.0.2") && !allows("10.2.0.1") && !allows("fe80::1") && !allows("::ffff:127.0.0.1"))
        #expect(try allows("192.168.1.1", "hooks.internal") && !allows("192.168.1.1", "other.internal"))
        #expect(try AddressRules(allowing: "") == AddressRules())
        for wrong in ["10.0.0.0/33", "http://x", "a b/c", "[::1]"] {
            #expect(throws: AddressRules.InvalidEntry.self) { try AddressRules(allowing: wrong) }
        }
    }

    @Test(arguments: [
        ("http://example.com", "http://example.com:80/"), ("HTTPS://Example.COM/a?b#c", "https://example.com:443/a?b"),
        ("http://[::1]:8080?x", "http://[::1]:8080/?x"), ("http://127.0.0.1:9/", "http://127.0.0.1:9/"),
        ("http://2130706433/", "http://2130706433:80/"), ("http://0x7f.1/", "http://0x7f.1:80/"),
    ]) func urlsAreReadInOneForm(_ text: String, _ canonical: String) throws {
        #expect(try OutboundURL(text).description == canonical)
    }

    @Test(arguments: [
        "", "example.com", "ftp://example.com", "file:///etc/passwd", "http://", "http:///x", "http://a@b/",
        "http://user:pass@example.com/", "http://example.com:0/", "http://example.com:99999/", "http://example.com:x/",
        "http://exa mple.com/", "http://example.com/\r\nHost: x", "http://example.com\\@127.0.0.1/", "http://[::1/",
        "http://[127.0.0.1]/", "http://[::1%25eth0]/", "http://%31%32%37.0.0.1/", "http://bücher.example/",
        "http://a..b/",
    ]) func otherUrlsAreRefused(_ text: String) {
        #expect(throws: OutboundError.self) { try OutboundURL(text) }
    }
}
