import Testing

@testable import Egress

@Suite struct LocalAddressesTests {
    @Test func loopbackIsThereAndIPv4ComesFirst() {
        let addresses = LocalAddresses.all()
        #expect(addresses.contains("127.0.0.1"))
        #expect(addresses.allSatisfy(IPAddress.isNumeric))
        #expect(Set(addresses).count == addresses.count)
        #expect(!addresses.drop(while: IPAddress.isIPv4).contains(where: IPAddress.isIPv4))
        #expect(!addresses.contains { $0.hasPrefix("fe80:") })
    }

    @Test(arguments: [
        ("127.0.0.1", true, false), ("255.255.255.255", true, false), ("::1", false, true), ("2001:db8::1", false, true),
        ("", false, false), ("localhost", false, false), ("127.1", false, false), ("1.2.3.4.5", false, false), ("[::1]", false, false),
        ("fe80::1%lo", false, false),
    ])
    func numericAddressesAreToldFromNames(text: String, isIPv4: Bool, isIPv6: Bool) {
        #expect(IPAddress.isIPv4(text) == isIPv4)
        #expect(IPAddress.isIPv6(text) == isIPv6)
    }

    @Test(arguments: [("0.0.0.0", true), ("::", true), ("0::0", true), ("::1", false), ("127.0.0.1", false), ("", false)])
    func wildcardsAreKnown(text: String, isWildcard: Bool) {
        #expect(IPAddress.isWildcard(text) == isWildcard)
    }
}
