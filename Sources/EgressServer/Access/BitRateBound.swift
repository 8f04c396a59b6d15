#if Server
internal import Egress

extension WHEPDecision {
    /// How a token and an authorization service call the bound.
    static let boundName = "max_bit_rate"

    /// - Parameter bitRate: in bit/s; nil: it is not a number.
    /// - Returns: nil when that is no bound. It may not be left out then: it was meant to keep something from the viewer.
    static func allowed(within bitRate: Double?) -> WHEPDecision? {
        guard let bitRate, bitRate >= 1 else { return nil }
        return .allowedUpTo(bitRate: Int(saturating: bitRate))
    }
}
#endif
