import Testing

@testable import Egress

@Suite struct BucketTableTests {
    let start = ContinuousClock.now
    /// Refills within 10 s.
    var table = BucketTable<Int>(RateLimit(perSecond: 1, burst: 10), countMax: 100)

    /// What a key gets, up to the first refusal.
    private mutating func drain(_ key: Int, among neighbourhood: Int, now: ContinuousClock.Instant) -> Int {
        var count = 0
        while table.take(key, among: neighbourhood, now: now) == nil { count += 1 }
        return count
    }

    @Test mutating func eachKeyHasItsOwn() {
        for key in 0..<50 { #expect(drain(key, among: 0, now: start) == 10) }
        #expect(table.count == 50)
    }

    @Test mutating func aCrowdDoesNotRefillAnybodysBucket() {
        #expect(drain(0, among: 0, now: start) == 10)
        for key in 1...10_000 { _ = table.take(key, among: key, now: start + .milliseconds(key / 10)) }
        #expect(table.count == 100)
        #expect(table.take(0, among: 0, now: start + .milliseconds(999)) != nil)
        #expect(drain(0, among: 0, now: start + .milliseconds(1_000)) == 1)
    }

    @Test mutating func whoFindsTheTableFullSharesWithHisNeighbours() {
        for key in 0..<100 { _ = drain(key, among: 0, now: start) }
        // One neighbourhood has ten in all; that of somebody else, with few exceptions, is another.
        #expect((1_000..<1_100).reduce(0) { $0 + drain($1, among: 1, now: start) } == 10)
        #expect((2..<12).count { drain(2_000 + $0, among: $0, now: start) == 10 } >= 8)
        #expect(table.count == 100)
    }

    @Test mutating func bucketsThatAreFullAgainMakeRoom() {
        for key in 0..<100 { _ = table.take(key, among: 0, now: start) }
        #expect(table.take(100, among: 1, now: start + .milliseconds(500)) == nil)
        #expect(table.count == 100)
        #expect(table.take(101, among: 1, now: start + .milliseconds(1_600)) == nil)
        #expect(table.count == 1)
    }

    @Test mutating func lookingTakesNothing() {
        for _ in 0..<100 { #expect(table.wait(7, among: 0, now: start) == .zero) }
        #expect(drain(7, among: 0, now: start) == 10)
        #expect(table.wait(7, among: 0, now: start) == .seconds(1))
    }

    @Test func whatIsNotLimitedTakesNoRoom() {
        var table = BucketTable<Int>(RateLimit(perSecond: 0, burst: 1), countMax: 1)
        for key in 0..<100 { #expect(table.take(key, among: 0, now: start) == nil) }
        #expect(table.count == 0)
    }
}
