#if Server
/// The network whose connections count together: an IPv4 address, or the /64 of an IPv6 one, within which a client can choose any address.
struct ConnectionAddress: Sendable, Hashable {
    private let high: UInt64
    /// For an IPv4 address, which needs no upper half.
    private let low: UInt64

    init(_ address: NumericAddress) {
        high = address.high
        low = address.isIPv4 ? address.low : 0
    }
}
#endif
