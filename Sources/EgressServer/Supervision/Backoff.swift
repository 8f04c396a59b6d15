#if Server
/// How long to wait before the next attempt. The delay doubles from one bound to another, and goes back to the first after a success.
struct Backoff: Sendable, Hashable {
    /// The part by which a delay may be shortened, so that a hundred cameras that went away together are not all probed in the same moment.
    static let spread = 0.3

    let first: Duration
    let last: Duration
    private var next: Duration
    private let spread: Double
    private var random: SplitMix64

    /// - Parameters:
    ///   - spread: delays are shortened by up to this part of them, 0..1.
    ///   - seed: decides by how much.
    init(from first: Duration = .milliseconds(500), to last: Duration = .seconds(15), spread: Double = 0, seed: UInt64 = 0) {
        precondition(first > .zero && first <= last && (0...1).contains(spread))
        self.first = first
        self.last = last
        next = first
        self.spread = spread
        random = SplitMix64(seed: seed)
    }

    mutating func delay() -> Duration {
        defer { next = min(next * 2, last) }
        guard spread > 0 else { return next }
        return next * (1 - Double.random(in: 0...spread, using: &random))
    }

    mutating func reset() { next = first }
}
#endif
