/// How often something may be done: so many times a second on the whole, and so many times at once when little was done before.
public struct RateLimit: Sendable, Hashable {
    /// 0: as often as anybody likes.
    public var perSecond: Double
    public var burst: Int

    public init(perSecond: Double, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }

    var isUnlimited: Bool { perSecond <= 0 }

    /// What one turn costs.
    fileprivate var interval: Duration { Duration(outsideSeconds: 1 / perSecond) ?? Duration.outsideMax }

    /// - Throws: ``EgressError/Code/invalidConfiguration``, naming the JSON field, which is one of `field`.
    func validate(_ field: String) throws(EgressError) {
        guard perSecond == 0 || (0.001...1_000_000).contains(perSecond) else {
            throw .invalid("\(field).per_second", "\(perSecond) is neither 0, which is no limit, nor within 0.001..1000000")
        }
        guard (1...1_000_000).contains(burst) else { throw .invalid("\(field).burst", "\(burst) is not within 1..1000000") }
    }
}

extension RateLimit: Encodable {
    enum CodingKeys: String, CodingKey {
        case perSecond = "per_second"
        case burst
    }
}

/// A token bucket, as one number: when it will be full again. It has no clock: the time is handed in.
struct TokenBucket: Sendable, Hashable {
    private var fullAt: ContinuousClock.Instant

    /// Begins full.
    init(now: ContinuousClock.Instant) { fullAt = now }

    /// A full one is the same as one that was just made.
    func isFull(now: ContinuousClock.Instant) -> Bool { fullAt <= now }

    /// How long until there is a token; zero when there is one.
    func wait(_ limit: RateLimit, now: ContinuousClock.Instant) -> Duration {
        guard !limit.isUnlimited else { return .zero }
        let emptiestAt = now + limit.interval * (limit.burst - 1)
        return max(.zero, emptiestAt.duration(to: fullAt))
    }

    /// Takes a token. `nil` when there was one; else nothing is taken, and this is how long until there is one.
    mutating func take(_ limit: RateLimit, now: ContinuousClock.Instant) -> Duration? {
        guard !limit.isUnlimited else { return nil }
        let wait = wait(limit, now: now)
        guard wait == .zero else { return wait }
        fullAt = max(fullAt, now) + limit.interval
        return nil
    }
}
