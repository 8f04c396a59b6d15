#if Server
import HTTPTypes
import Testing

@testable import EgressServer

@Suite struct AddressRangeTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("192.0.2.128/25", "192.0.2.127", false),
        ("192.0.2.128/25", "192.0.2.200", true), ("0.0.0.0/0", "203.0.113.7", true), ("0.0.0.0/0", "2001:db8::1", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false), ("fd00::/8", "fdff::1", true),
        ("2001:db8::/96", "2001:db8::1:0:1", false), ("2001:db8::1", "2001:db8::1", true), ("::/0", "2001:db8::1", true),
        ("::ffff:10.0.0.0/104", "10.9.9.9", true), ("fe80::/10", "fe80::1%eth0", true),
    ])
    func knowsWhatItContains(range: String, address: String, isInside: Bool) throws {
        #expect(try #require(AddressRange(range)).contains(try #require(NumericAddress(address))) == isInside)
    }

    @Test(arguments: [
        "", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "host", "10.0.0", "/8", "10.0.0.0/x", "fe80::1%eth0",
    ])
    func refusesWhatIsNone(text: String) {
        #expect(AddressRange(text) == nil)
    }
}

@Suite struct TrustedProxiesTests {
    static let proxies = TrustedProxies(ranges: ["10.0.0.0/8", "fd00::/8"].compactMap(AddressRange.init))

    static let table: [(name: String, peer: String?, forwarded: [String], client: String?)] = [
        ("nobody has forwarded it", "203.0.113.7", [], "203.0.113.7"),
        ("a stranger claims to forward it", "203.0.113.7", ["192.0.2.1"], "203.0.113.7"),
        ("a trusted proxy", "10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("what the client wrote before", "10.0.0.1", ["1.1.1.1, 192.0.2.1"], "192.0.2.1"),
        ("two trusted proxies", "10.0.0.1", ["192.0.2.1, 10.2.2.2"], "192.0.2.1"),
        ("in several fields", "10.0.0.1", ["1.1.1.1", "192.0.2.1,10.2.2.2", "fd00::1"], "192.0.2.1"),
        ("trusted ones alone", "10.0.0.1", ["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        ("no field", "10.0.0.1", [], "10.0.0.1"),
        ("no address", "10.0.0.1", ["192.0.2.1, unknown"], "10.0.0.1"),
        ("no address further left", "10.0.0.1", ["unknown, 10.2.2.2"], "10.2.2.2"),
        ("with a port", "10.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
        ("IPv6 with a port", "10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("IPv6", "::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("IPv4 in IPv6", "::ffff:203.0.113.7", [], "203.0.113.7"),
        ("written in another way", "10.0.0.1", ["2001:DB8:0::1"], "2001:db8::1"),
        ("with a zone", "10.0.0.1", ["fe80::1%eth0"], "fe80::1"),
        ("no numeric peer", "unix", ["192.0.2.1"], "unix"),
        ("empty", "10.0.0.1", ["", " , "], "10.0.0.1"),
        ("an open bracket", "10.0.0.1", ["[2001:db8::1"], "10.0.0.1"),
        ("no peer", nil, ["192.0.2.1"], nil),
    ]

    static func fields(_ values: [String]) -> HTTPFields {
        var fields = HTTPFields()
        fields[values: .xForwardedFor] = values
        return fields
    }

    @Test func theRightmostAddressThatIsNotTrustedIsTheClient() {
        for row in Self.table {
            #expect(Self.proxies.client(of: row.peer, Self.fields(row.forwarded)) == row.client, "\(row.name)")
        }
    }

    @Test func withoutTrustedProxiesTheFieldMeansNothing() {
        #expect(TrustedProxies().client(of: "10.0.0.1", Self.fields(["192.0.2.1"])) == "10.0.0.1")
    }

    @Test func aLongListIsNotReadToItsEnd() {
        let hops = ["192.0.2.1"] + Array(repeating: "10.0.0.2", count: TrustedProxies.hopsMax)
        #expect(Self.proxies.client(of: "10.0.0.1", Self.fields([hops.joined(separator: ", ")])) == "10.0.0.2")
    }
}

@Suite struct BasePathTests {
    @Test(arguments: [("", ""), ("/", ""), ("live", "/live"), ("/live/egress/", "/live/egress"), ("//a//b", "/a/b")])
    func isReadWithAndWithoutSlashes(text: String, prefix: String) throws {
        #expect(try BasePath(text).prefix == prefix)
    }

    @Test(arguments: ["/a b", "/a%20b", "/../x", "/./x", "/a?b", "/a#b", "/ü", "/a\"", "/whep", "/api/x"])
    func refusesWhatCannotBeOne(text: String) {
        #expect(throws: BasePath.Problem.self) { try BasePath(text) }
    }

    @Test(arguments: [
        ("/live/egress/whep/a", "/whep/a"), ("/live/egress/", "/"), ("/live/egress/x?y", "/x?y"), ("/whep/a", "/whep/a"), ("/", "/"),
        ("/live/egressx/y", "/live/egressx/y"), ("/live", "/live"), ("/live/egress", nil), ("/live/egress?x", nil),
        ("/live/egress/live/egress/x", "/live/egress/x"),
    ])
    func isTakenOffWhereItStands(target: String, rest: String?) throws {
        #expect(try BasePath("/live/egress").strip(target) == rest)
    }
}
#endif
