import Testing

@testable import Egress

@Suite struct TokenBucketTests {
    let start = ContinuousClock.now
    let limit = RateLimit(perSecond: 4, burst: 3)

    @Test func aBurstGoesAtOnceAndThenTheRateHolds() {
        var bucket = TokenBucket(now: start)
        for _ in 0..<3 { #expect(bucket.take(limit, now: start) == nil) }
        #expect(bucket.take(limit, now: start) == .milliseconds(250))
        #expect(bucket.take(limit, now: start + .milliseconds(100)) == .milliseconds(150))
        #expect(bucket.wait(limit, now: start + .milliseconds(250)) == .zero)
        #expect(bucket.take(limit, now: start + .milliseconds(250)) == nil)
        #expect(bucket.take(limit, now: start + .milliseconds(250)) == .milliseconds(250))
    }

    @Test func refusalsCostNothing() {
        var bucket = TokenBucket(now: start)
        for _ in 0..<1_000 { _ = bucket.take(limit, now: start) }
        #expect(bucket.take(limit, now: start + .milliseconds(250)) == nil)
    }

    @Test func noMoreThanTheBurstIsSavedUp() {
        var bucket = TokenBucket(now: start)
        _ = bucket.take(limit, now: start)
        #expect(!bucket.isFull(now: start) && bucket.isFull(now: start + .milliseconds(250)))
        let later = start + .seconds(3_600)
        for _ in 0..<3 { #expect(bucket.take(limit, now: later) == nil) }
        #expect(bucket.take(limit, now: later) != nil)
    }

    @Test func overALongTimeItIsTheRate() {
        var bucket = TokenBucket(now: start)
        let taken = (0..<100_000).count { bucket.take(limit, now: start + .milliseconds($0)) == nil }
        #expect((400...403).contains(taken))
    }

    @Test func zeroIsNoLimit() {
        var bucket = TokenBucket(now: start)
        for _ in 0..<10_000 { #expect(bucket.take(RateLimit(perSecond: 0, burst: 1), now: start) == nil) }
        #expect(bucket.isFull(now: start))
    }
}
