/// How often something may be done: so many times a second on average, and so many times at once after a quiet time.
public struct RateLimit: Sendable, Hashable {
    /// 0: no limit.
    public var perSecond: Double
    public var burst: Int

    public init(perSecond: Double, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }

    var isUnlimited: Bool { perSecond <= 0 }

    /// The time that one token takes to come back.
    fileprivate var interval: Duration { Duration(outsideSeconds: 1 / perSecond) ?? Duration.outsideMax }

    /// - Throws: ``EgressError/Code/invalidConfiguration``, naming the JSON field, which is a member of `field`.
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

    /// The bucket is full at first.
    init(now: ContinuousClock.Instant) { fullAt = now }

    /// A full bucket is the same as a new one.
    func isFull(now: ContinuousClock.Instant) -> Bool { fullAt <= now }

    /// How long to wait for a token; zero when there is one.
    func wait(_ limit: RateLimit, now: ContinuousClock.Instant) -> Duration {
        guard !limit.isUnlimited else { return .zero }
        let emptiestAt = now + limit.interval * (limit.burst - 1)
        return max(.zero, emptiestAt.duration(to: fullAt))
    }

    /// Takes a token and returns `nil`. When there is none, takes nothing and returns how long to wait for one.
    mutating func take(_ limit: RateLimit, now: ContinuousClock.Instant) -> Duration? {
        guard !limit.isUnlimited else { return nil }
        let wait = wait(limit, now: now)
        guard wait == .zero else { return wait }
        fullAt = max(fullAt, now) + limit.interval
        return nil
    }
}
