/// An address that viewers can try (RFC 8839 §5.1).
struct ICECandidate: Sendable, Hashable {
    let address: String
    let port: UInt16
    /// 65535 for the preferred candidate, one less for each after it.
    let localPreference: UInt32

    /// The value of `a=candidate`. Each address is a base of its own, hence a foundation of its own.
    var attribute: String {
        "\(65_536 - localPreference) 1 udp \(priority) \(address) \(port) typ host"
    }

    /// RFC 8445 §5.1.2.1, with the type preference of host candidates and component 1.
    var priority: UInt32 { 126 << 24 | localPreference << 8 | (256 - 1) }

    /// One candidate for each address, the first one preferred.
    static func list(_ addresses: [String], port: UInt16) -> [ICECandidate] {
        var seen: Set<String> = []
        return addresses.filter { seen.insert($0).inserted }.prefix(64).enumerated().map { index, address in
            ICECandidate(address: address, port: port, localPreference: 65_535 - UInt32(clamping: index))
        }
    }
}

extension EgressConfiguration {
    /// The addresses that answers name: the public ones if there are any, else the one that the port is bound to, else those of the interfaces.
    var advertisedAddresses: [String] {
        if !publicAddresses.isEmpty { return publicAddresses }
        guard let udpAddress, !IPAddress.isWildcard(udpAddress) else {
            let bound = udpAddress
            return LocalAddresses.all().filter { bound == nil || IPAddress.isIPv6(bound ?? "") || IPAddress.isIPv4($0) }
        }
        return [udpAddress]
    }
}
