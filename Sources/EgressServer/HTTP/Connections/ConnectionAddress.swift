#if Server
/// Whose connections count together: those of an IPv4 address, or of the /64 of an IPv6 one, within which a client can choose as it likes.
struct ConnectionAddress: Sendable, Hashable {
    private let high: UInt64
    /// Of an IPv4 address, which has nothing above.
    private let low: UInt64

    init(_ address: NumericAddress) {
        high = address.high
        low = address.isIPv4 ? address.low : 0
    }
}
#endif
