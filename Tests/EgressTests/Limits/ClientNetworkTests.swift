import Testing

@testable import Egress

@Suite struct ClientNetworkTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "0:0:0:0::/64"), ("fe80::1%eth0", "fe80:0:0:0::/64"), ("255.255.255.255", "255.255.255.255"),
    ])
    func isAnIPv4AddressOrTheFirstHalfOfAnIPv6One(address: String, network: String) throws {
        #expect(try #require(ClientNetwork(address)).description == network)
    }

    @Test(arguments: ["", "localhost", "192.0.2", "192.0.2.1:80", "unknown", "[::1]"])
    func isNothingElse(text: String) {
        #expect(ClientNetwork(text) == nil)
    }

    @Test func customersAreToldApartAndTheirHostsAreNot() {
        #expect(ClientNetwork("2001:db8::1") == ClientNetwork("2001:db8::ffff:0:1"))
        #expect(ClientNetwork("2001:db8:0:1::1") != ClientNetwork("2001:db8::1"))
        #expect(ClientNetwork("192.0.2.1") != ClientNetwork("192.0.2.2"))
        #expect(ClientNetwork("0.0.0.0") != ClientNetwork("::"))
    }

    @Test func neighboursShareASite() {
        func site(_ address: String) -> ClientNetwork? { ClientNetwork(address)?.neighbourhood }
        #expect(site("192.0.2.1") == site("192.0.2.254") && site("192.0.2.1") != site("192.0.3.1"))
        #expect(site("2001:db8:0:1::") == site("2001:db8:0:2::") && site("2001:db8:0:1::") != site("2001:db8:1:1::"))
    }
}
