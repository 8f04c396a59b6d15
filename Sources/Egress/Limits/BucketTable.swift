/// A token bucket for each of many keys, in bounded memory.
///
/// Only full buckets are ever removed, and a full bucket is the same as a new one. So a client that has emptied its bucket can't get it
/// refilled by crowding the table with other keys. A key that finds the table full of buckets in use shares one with its neighbours, so a crowd
/// from one neighbourhood gets in its own way only.
struct BucketTable<Key: Hashable & Sendable>: Sendable {
    /// Buckets that are shared when the table is full.
    private static var sharedCount: Int { 1_024 }
    /// Not every request looks through the whole table for full buckets.
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

    /// How long the key has to wait for a token; zero when there is one.
    func wait(_ key: Key, among neighbourhood: some Hashable, now: ContinuousClock.Instant) -> Duration {
        if let bucket = buckets[key] { return bucket.wait(limit, now: now) }
        guard buckets.count >= countMax else { return .zero }
        return shared[Self.place(of: neighbourhood)]?.wait(limit, now: now) ?? .zero
    }

    /// Takes a token of the key's. Returns `nil` when there was one, else how long the key has to wait for one.
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

    /// Each process seeds its hashes anew, so nobody can choose which neighbours to share a bucket with.
    private static func place(of neighbourhood: some Hashable) -> Int {
        Int(clamping: UInt(bitPattern: neighbourhood.hashValue) % UInt(clamping: sharedCount))
    }
}
