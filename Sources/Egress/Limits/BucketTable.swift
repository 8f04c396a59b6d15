/// A token bucket for each of many keys, in bounded memory.
///
/// Only full buckets are ever removed, and a full one is the same as a new one: whoever has emptied his cannot get it refilled by making
/// others crowd the table. Keys that find the table full of buckets in use share one among their neighbours, so a crowd from one
/// neighbourhood is in its own way.
struct BucketTable<Key: Hashable & Sendable>: Sendable {
    /// Buckets that are shared when the table is full.
    private static var sharedCount: Int { 1_024 }
    /// Looking through the whole table is not for every request.
    private static var sweepInterval: Duration { .seconds(1) }

    let limit: RateLimit
    let countMax: Int
    private var buckets: [Key: TokenBucket] = [:]
    private var shared: [Int: TokenBucket] = [:]
    private var sweepAt: ContinuousClock.Instant?

    init(_ limit: RateLimit, countMax: Int) {
        self.limit = limit
        self.countMax = countMax
    }

    var count: Int { buckets.count }

    /// How long until there is a token for the key; zero when there is one.
    func wait(_ key: Key, among neighbourhood: some Hashable, now: ContinuousClock.Instant) -> Duration {
        if let bucket = buckets[key] { return bucket.wait(limit, now: now) }
        guard buckets.count >= countMax else { return .zero }
        return shared[Self.place(of: neighbourhood)]?.wait(limit, now: now) ?? .zero
    }

    /// Takes a token of the key's. `nil` when there was one; else how long until there is one.
    mutating func take(_ key: Key, among neighbourhood: some Hashable, now: ContinuousClock.Instant) -> Duration? {
        guard !limit.isUnlimited else { return nil }
        if buckets[key] == nil, !hasRoom(now) {
            return shared[Self.place(of: neighbourhood), default: TokenBucket(now: now)].take(limit, now: now)
        }
        return buckets[key, default: TokenBucket(now: now)].take(limit, now: now)
    }

    private mutating func hasRoom(_ now: ContinuousClock.Instant) -> Bool {
        guard buckets.count >= countMax else { return true }
        if sweepAt.map({ now >= $0 }) ?? true {
            buckets = buckets.filter { !$0.value.isFull(now: now) }
            sweepAt = now + Self.sweepInterval
        }
        return buckets.count < countMax
    }

    /// Hashes are seeded anew in each process, so nobody can choose whom he shares with.
    private static func place(of neighbourhood: some Hashable) -> Int {
        Int(clamping: UInt(bitPattern: neighbourhood.hashValue) % UInt(clamping: sharedCount))
    }
}
