/// Lets clients' requests through within ``ClientLimits``, and counts the requests that it refuses. It has no clock: the time is handed in.
struct Admission: Sendable {
    /// How many bans are kept; a further ban replaces the one that would end first.
    static let bansMax = 10_000
    private static let lineInterval = Duration.seconds(60)

    let limits: ClientLimits
    private var joins: TokenBucket
    private var changes: TokenBucket
    private var joinsOfStream: BucketTable<String>
    private var joinsOfAddress: BucketTable<ClientNetwork>
    private var changesOfAddress: BucketTable<ClientNetwork>
    private var bans: [ClientNetwork: ContinuousClock.Instant] = [:]
    private var bitRate: BitRateBudget
    private(set) var refused: [BittenLimit: UInt64] = [:]
    private var quietUntil: [BittenLimit: ContinuousClock.Instant] = [:]

    init(_ limits: ClientLimits, streamsMax: Int, now: ContinuousClock.Instant) {
        self.limits = limits
        joins = TokenBucket(now: now)
        changes = TokenBucket(now: now)
        joinsOfStream = BucketTable(limits.joinsPerStream, countMax: streamsMax)
        joinsOfAddress = BucketTable(limits.joinsPerAddress, countMax: limits.addressesMax)
        changesOfAddress = BucketTable(limits.changesPerAddress, countMax: limits.addressesMax)
        bitRate = BitRateBudget(limits.bitRate)
    }

    // MARK: Joining

    /// Counts every request to join, before it is read: a request that comes to nothing costs its sender too, and nobody else.
    mutating func knock(_ network: ClientNetwork?, now: ContinuousClock.Instant) -> Refusal? {
        guard let network else { return nil }
        if let refusal = refusalOfBanned(network, now) { return refusal }
        guard let wait = joinsOfAddress.take(network, among: network.neighbourhood, now: now) else { return nil }
        return Refusal(limit: .joinsPerAddress, detail: "\(network) asks to join \(Self.words(limits.joinsPerAddress))", wait: wait)
    }

    /// Counts a request to join a stream that exists.
    /// - Parameter bitRate: the stream's, in bit/s.
    mutating func join(_ stream: String, bitRate rate: Int, now: ContinuousClock.Instant) -> Refusal? {
        let ofStream = joinsOfStream.wait(stream, among: stream, now: now)
        guard ofStream == .zero else {
            return Refusal(
                limit: .joinsPerStream, detail: "this stream is asked for \(Self.words(limits.joinsPerStream))", wait: Self.spread(ofStream)
            )
        }
        let ofAll = joins.wait(limits.joins, now: now)
        guard ofAll == .zero else {
            return Refusal(limit: .joins, detail: "this server is asked for viewers \(Self.words(limits.joins))", wait: Self.spread(ofAll))
        }
        guard bitRate.reserve(rate, now: now) else {
            return Refusal(
                limit: .bitRate, detail: "this server sends as much as its limit allows, \(limits.bitRate / 1000) kbit/s",
                wait: Self.spread(BitRateBudget.window))
        }
        // Both buckets have a token.
        _ = joinsOfStream.take(stream, among: stream, now: now)
        _ = joins.take(limits.joins, now: now)
        return nil
    }

    // MARK: Changing

    /// Counts a PATCH, a DELETE and the like.
    /// - Parameter isKnown: whether the session exists. Guessing at sessions costs the client that guesses, not clients that have a session.
    mutating func change(_ network: ClientNetwork?, isKnown: Bool, now: ContinuousClock.Instant) -> Refusal? {
        if let network, let wait = changesOfAddress.take(network, among: network.neighbourhood, now: now) {
            return Refusal(
                limit: .changesPerAddress, detail: "\(network) changes viewers \(Self.words(limits.changesPerAddress))", wait: wait)
        }
        guard isKnown, let wait = changes.take(limits.changes, now: now) else { return nil }
        return Refusal(limit: .changes, detail: "viewers of this server are changed \(Self.words(limits.changes))", wait: Self.spread(wait))
    }

    // MARK: Bans

    mutating func ban(_ network: ClientNetwork, for duration: Duration, now: ContinuousClock.Instant) {
        if bans[network] == nil, bans.count >= Self.bansMax {
            bans = bans.filter { $0.value > now }
            if bans.count >= Self.bansMax, let first = bans.min(by: { $0.value < $1.value }) { bans[first.key] = nil }
        }
        bans[network] = now + min(duration, Duration.outsideMax)
    }

    private mutating func refusalOfBanned(_ network: ClientNetwork, _ now: ContinuousClock.Instant) -> Refusal? {
        guard let end = bans[network] else { return nil }
        guard end > now else {
            bans[network] = nil
            return nil
        }
        return Refusal(limit: .banned, detail: "the operator has sent \(network) away for a while", wait: now.duration(to: end))
    }

    // MARK: Measuring and counting

    /// - Parameter bytes: how much has been sent since the beginning.
    mutating func measure(bytes: UInt64, now: ContinuousClock.Instant) { bitRate.measure(bytes: bytes, now: now) }

    /// Counts a refusal. Returns the limit's count when it is worth a line in the log.
    mutating func count(_ limit: BittenLimit, now: ContinuousClock.Instant) -> UInt64? {
        refused[limit, default: 0] += 1
        if let quietUntil = quietUntil[limit], now < quietUntil { return nil }
        quietUntil[limit] = now + Self.lineInterval
        return refused[limit]
    }

    private static func words(_ limit: RateLimit) -> String {
        let rate = limit.perSecond.rounded() == limit.perSecond ? "\(Int(saturating: limit.perSecond))" : "\(limit.perSecond)"
        return "more often than \(rate) times a second (\(limit.burst) at once)"
    }

    /// A limit that keeps many clients waiting would otherwise have all of them come back at once.
    private static func spread(_ wait: Duration) -> Duration { wait + .seconds(1) * Int.random(in: 0...4) }
}
