import Glibc

/// Numeric IP addresses, as far as candidates need them.
enum IPAddress {
    static func isIPv4(_ text: String) -> Bool { parses(text, AF_INET) }
    static func isIPv6(_ text: String) -> Bool { parses(text, AF_INET6) }
    static func isNumeric(_ text: String) -> Bool { isIPv4(text) || isIPv6(text) }

    /// The address stands for every address, so it can't be told to a peer.
    static func isWildcard(_ text: String) -> Bool {
        var bytes = in6_addr()
        if isIPv4(text) { return text == "0.0.0.0" }
        guard inet_pton(AF_INET6, text, &bytes) == 1 else { return false }
        return withUnsafeBytes(of: bytes) { $0.allSatisfy { $0 == 0 } }
    }

    private static func parses(_ text: String, _ family: Int32) -> Bool {
        var bytes = in6_addr()  // The larger of the two.
        return inet_pton(family, text, &bytes) == 1
    }
}

/// The addresses of this machine's interfaces.
enum LocalAddresses {
    private struct Address: Hashable {
        let text: String
        let isIPv6: Bool
        let isLoopback: Bool
    }

    /// Addresses of interfaces that are up: IPv4 before IPv6, each with loopback last. IPv6 link-local addresses are left out: they mean nothing
    /// without a zone, which a candidate can't carry.
    static func all() -> [String] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var addresses: [Address] = []
        var next = first
        while let interface = next?.pointee {
            next = interface.ifa_next
            if let address = address(of: interface), !addresses.contains(address) { addresses.append(address) }
        }
        return [(false, false), (false, true), (true, false), (true, true)].flatMap { isIPv6, isLoopback in
            addresses.filter { $0.isIPv6 == isIPv6 && $0.isLoopback == isLoopback }.map(\.text)
        }
    }

    private static func address(of interface: ifaddrs) -> Address? {
        guard interface.ifa_flags & UInt32(clamping: IFF_UP) != 0, let socketAddress = interface.ifa_addr else { return nil }
        let family = Int32(clamping: socketAddress.pointee.sa_family)
        guard family == AF_INET || family == AF_INET6 else { return nil }
        let isIPv6 = family == AF_INET6
        if isIPv6, isLinkLocal(socketAddress) { return nil }
        let size = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        var text = [CChar](repeating: 0, count: Int(clamping: NI_MAXHOST))
        guard getnameinfo(socketAddress, socklen_t(size), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else { return nil }
        return Address(
            text: String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self),
            isIPv6: isIPv6, isLoopback: interface.ifa_flags & UInt32(clamping: IFF_LOOPBACK) != 0)
    }

    private static func isLinkLocal(_ address: UnsafeMutablePointer<sockaddr>) -> Bool {
        address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
            withUnsafeBytes(of: address.pointee.sin6_addr) { $0[0] == 0xFE && $0[1] & 0xC0 == 0x80 }
        }
    }
}
