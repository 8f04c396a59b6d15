import Glibc

/// What limits per address count as one client: an IPv4 address, or the /64 of an IPv6 address, within which a client can choose any address.
struct ClientNetwork: Sendable, Hashable, CustomStringConvertible {
    /// The first half of an IPv6 address, or 0.
    private let high: UInt64
    /// 0, or an IPv4 address and a mark above it, so that no network is both.
    private let low: UInt64

    private static let isIPv4Mark: UInt64 = 1 << 32

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// `nil` when the text is not a numeric address. An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) counts as the IPv4 address; a zone is left out.
    init?(_ address: String) {
        let address = String(address.prefix { $0 != "%" })
        var ipv4 = in_addr()
        if inet_pton(AF_INET, address, &ipv4) == 1 {
            self.init(high: 0, low: Self.isIPv4Mark | UInt64(clamping: UInt32(bigEndian: ipv4.s_addr)))
            return
        }
        var ipv6 = in6_addr()
        guard inet_pton(AF_INET6, address, &ipv6) == 1 else { return nil }
        let (high, low) = withUnsafeBytes(of: ipv6) { bytes in
            (UInt64(bigEndian: bytes.load(as: UInt64.self)), UInt64(bigEndian: bytes.load(fromByteOffset: 8, as: UInt64.self)))
        }
        let isMapped = high == 0 && low >> 32 == 0xFFFF
        self.init(high: isMapped ? 0 : high, low: isMapped ? Self.isIPv4Mark | low & 0xFFFF_FFFF : 0)
    }

    private var isIPv4: Bool { low & Self.isIPv4Mark != 0 }

    /// The /24 or /48 around it, which is likely to have one owner.
    var neighbourhood: ClientNetwork {
        isIPv4 ? ClientNetwork(high: 0, low: low & ~0xFF) : ClientNetwork(high: high & ~0xFFFF, low: 0)
    }

    var description: String {
        if isIPv4 { return [24, 16, 8, 0].map { String(low >> $0 & 0xFF) }.joined(separator: ".") }
        return [48, 32, 16, 0].map { String(high >> $0 & 0xFFFF, radix: 16) }.joined(separator: ":") + "::/64"
    }
}
