#if Server
internal import HTTPTypes

/// The proxies whose `X-Forwarded-For` is believed.
struct TrustedProxies: Sendable, Hashable {
    /// How many addresses are read, from the right. A client can write as many as fit into a header.
    static let hopsMax = 32

    var ranges: [AddressRange] = []

    /// The client that a request comes from. It is the peer, unless the peer is a trusted proxy; then it is the address that the proxy has added to
    /// `X-Forwarded-For`, and so on to the left as long as that address is a trusted proxy too. Addresses further left were written by clients that
    /// are not trusted.
    ///
    /// The result is in canonical form, so that logs and limits see one client as one.
    func client(of peer: String?, _ fields: HTTPFields) -> String? {
        guard let peer, var client = NumericAddress(peer) else { return peer }
        // Several fields are one list (RFC 9110 §5.3).
        var hops = fields[values: .xForwardedFor].flatMap { $0.split(separator: ",") }.suffix(Self.hopsMax)
        while isTrusted(client), let hop = hops.popLast() {
            // Not an address ("unknown", an obfuscated name): the proxy that wrote it is the last address that is known.
            guard let address = Self.address(in: hop) else { break }
            client = address
        }
        return client.description
    }

    /// Whether a peer is a trusted proxy.
    func isProxy(_ peer: String?) -> Bool { peer.flatMap { NumericAddress($0) }.map(isTrusted) ?? false }

    private func isTrusted(_ address: NumericAddress) -> Bool { ranges.contains { $0.contains(address) } }

    /// Reads an address, without the port that some proxies write: "192.0.2.1:4711", "[2001:db8::1]:4711".
    private static func address(in hop: Substring) -> NumericAddress? {
        let hop = hop.filter { $0 != " " && $0 != "\t" }
        if hop.hasPrefix("[") {
            guard let end = hop.firstIndex(of: "]") else { return nil }
            return NumericAddress(hop[..<end].dropFirst())
        }
        let isIPv4WithPort = hop.count { $0 == ":" } == 1
        return NumericAddress(isIPv4WithPort ? hop.prefix { $0 != ":" } : hop[...])
    }
}
#endif
