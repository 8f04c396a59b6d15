#if Server
internal import Glibc

/// An IP address as its bytes. IPv4 is held as the IPv6 address that it is mapped to, so that both ways to write it are one (RFC 4291 §2.5.5.2).
struct NumericAddress: Sendable, Hashable, CustomStringConvertible {
    static let bitCount = 128
    static let ipv4PrefixBitCount = 96

    let high: UInt64
    let low: UInt64
    let isIPv4: Bool

    /// nil when the text is not an address. A zone ("%eth0") is ignored: it means something only on the machine that wrote it.
    init?(_ text: some StringProtocol) {
        let text = String(text.prefix { $0 != "%" })
        var ipv4 = in_addr()
        if inet_pton(AF_INET, text, &ipv4) == 1 {
            self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(clamping: UInt32(bigEndian: ipv4.s_addr)))
            return
        }
        var ipv6 = in6_addr()
        guard inet_pton(AF_INET6, text, &ipv6) == 1 else { return nil }
        let (high, low) = withUnsafeBytes(of: ipv6) { bytes in
            (UInt64(bigEndian: bytes.load(as: UInt64.self)), UInt64(bigEndian: bytes.load(fromByteOffset: 8, as: UInt64.self)))
        }
        self.init(high: high, low: low)
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
        isIPv4 = high == 0 && low >> 32 == 0xFFFF
    }

    /// The canonical text (RFC 5952); IPv4 in dots, however it was written.
    var description: String {
        var text = [CChar](repeating: 0, count: Int(clamping: INET6_ADDRSTRLEN))
        var ipv4 = UInt32(truncatingIfNeeded: low).bigEndian
        var ipv6 = (high.bigEndian, low.bigEndian)
        let written =
            isIPv4
            ? inet_ntop(AF_INET, &ipv4, &text, socklen_t(text.count)) : inet_ntop(AF_INET6, &ipv6, &text, socklen_t(text.count))
        // inet_ntop fails only when the buffer is too small or the family is another.
        return written.map { String(cString: $0) } ?? "unknown"
    }

    var isLoopback: Bool { AddressRange.loopback.contains { $0.contains(self) } }
}

/// A range of addresses: "10.0.0.0/8", "2001:db8::/32", or one address.
struct AddressRange: Sendable, Hashable {
    static let loopback = ["127.0.0.0/8", "::1"].compactMap(AddressRange.init)

    private let base: NumericAddress
    private let prefixBitCount: Int

    /// nil when the text is not a range.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = NumericAddress(parts[0]), !parts[0].contains("%") else { return nil }
        let offset = base.isIPv4 && !parts[0].contains(":") ? NumericAddress.ipv4PrefixBitCount : 0
        var count = NumericAddress.bitCount
        if parts.count == 2 {
            guard parts[1].allSatisfy(\.isNumber), let written = Int(parts[1], radix: 10), written <= count - offset else { return nil }
            count = offset + written
        }
        self.base = base
        prefixBitCount = count
    }

    func contains(_ address: NumericAddress) -> Bool {
        let high = min(prefixBitCount, 64)
        let low = prefixBitCount - high
        return (base.high ^ address.high) & Self.mask(high) == 0 && (base.low ^ address.low) & Self.mask(low) == 0
    }

    private static func mask(_ count: Int) -> UInt64 { count == 0 ? 0 : ~0 << (64 - count) }
}
#endif
