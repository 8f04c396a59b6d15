import HTTPTypes
import Testing

@testable import Egress

@Suite struct AdmissionTests {
    let start = ContinuousClock.now

    private func admission(_ change: (inout ClientLimits) -> Void = { _ in }) -> Admission {
        var limits = ClientLimits()
        change(&limits)
        return Admission(limits, streamsMax: 10, now: start)
    }

    private func network(_ number: Int) throws -> ClientNetwork {
        try #require(ClientNetwork("10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"))
    }

    @Test func anAddressThatKnocksTooOftenIsToldWhenToComeBackAndOthersAreNot() throws {
        var admission = admission { $0.joinsPerAddress = RateLimit(perSecond: 0.5, burst: 3) }
        let (first, second) = (try network(1), try network(2))
        for _ in 0..<3 { #expect(admission.knock(first, now: start) == nil) }
        let refused = admission.knock(first, now: start)
        let refusal = try #require(refused)
        #expect(refusal.limit == .joinsPerAddress && refusal.limit.status == .tooManyRequests)
        #expect(refusal.retryAfter == 2)
        #expect(refusal.detail == "10.0.0.1 asks to join more often than 0.5 times a second (3 at once)")
        #expect(admission.knock(second, now: start) == nil)
        #expect(admission.knock(first, now: start + .seconds(2)) == nil)
    }

    @Test func clientsWhoseAddressIsNotKnownAreNotLimitedAsOne() {
        var admission = admission {
            $0.joinsPerAddress = RateLimit(perSecond: 1, burst: 1)
            $0.changesPerAddress = RateLimit(perSecond: 1, burst: 1)
        }
        for _ in 0..<10 { #expect(admission.knock(nil, now: start) == nil) }
        for _ in 0..<10 { #expect(admission.change(nil, isKnown: true, now: start) == nil) }
    }

    @Test func aStreamThatIsOverrunLeavesTheOthersTheirShare() throws {
        var admission = admission {
            $0.joins = RateLimit(perSecond: 10, burst: 10)
            $0.joinsPerStream = RateLimit(perSecond: 5, burst: 4)
        }
        for _ in 0..<4 { #expect(admission.join("a", bitRate: 0, now: start) == nil) }
        for _ in 0..<100 {
            let refused = admission.join("a", bitRate: 0, now: start)
            let refusal = try #require(refused)
            #expect(refusal.limit == .joinsPerStream && refusal.limit.status == .serviceUnavailable)
            #expect((1...5).contains(refusal.retryAfter))
        }
        for _ in 0..<4 { #expect(admission.join("b", bitRate: 0, now: start) == nil) }
        for _ in 0..<2 { #expect(admission.join("c", bitRate: 0, now: start) == nil) }
        #expect(admission.join("c", bitRate: 0, now: start)?.limit == .joins)
        // What all were refused took nothing from the stream's own.
        #expect(admission.join("c", bitRate: 0, now: start + .milliseconds(100)) == nil)
    }

    @Test func nobodyJoinsBeyondTheBitRate() throws {
        var admission = admission { $0.bitRate = 5_000_000 }
        #expect(admission.join("a", bitRate: 2_500_000, now: start) == nil)
        #expect(admission.join("a", bitRate: 2_500_000, now: start) == nil)
        let refused = admission.join("a", bitRate: 2_500_000, now: start)
        let refusal = try #require(refused)
        #expect(refusal.limit == .bitRate && refusal.limit.status == .serviceUnavailable)
        #expect(refusal.detail.contains("5000 kbit/s"))
        for second in 1...10 { admission.measure(bytes: UInt64(second) * 300_000, now: start + .seconds(second)) }
        #expect(admission.join("a", bitRate: 2_500_000, now: start + .seconds(10)) == nil)
    }

    @Test func guessingAtSessionsCostsOnlyTheOneWhoGuesses() throws {
        var admission = admission {
            $0.changes = RateLimit(perSecond: 1, burst: 1)
            $0.changesPerAddress = RateLimit(perSecond: 1, burst: 5)
        }
        for number in 0..<1_000 { #expect(try admission.change(network(number), isKnown: false, now: start) == nil) }
        let guesser = try network(1_000)
        for _ in 0..<5 { #expect(admission.change(guesser, isKnown: false, now: start) == nil) }
        #expect(admission.change(guesser, isKnown: false, now: start)?.limit == .changesPerAddress)
        #expect(try admission.change(network(1_001), isKnown: true, now: start) == nil)
        #expect(try admission.change(network(1_002), isKnown: true, now: start)?.limit == .changes)
    }

    @Test func changesAndJoinsAreCountedApart() throws {
        var admission = admission { $0.changesPerAddress = RateLimit(perSecond: 1, burst: 1) }
        let client = try network(1)
        _ = admission.change(client, isKnown: false, now: start)
        #expect(admission.change(client, isKnown: false, now: start) != nil)
        #expect(admission.knock(client, now: start) == nil)
    }

    @Test func aBanHoldsForItsTimeAndForItsNetwork() throws {
        var admission = admission()
        let banned = try #require(ClientNetwork("2001:db8::1"))
        admission.ban(banned, for: .seconds(60), now: start)
        let refused = admission.knock(ClientNetwork("2001:db8::2"), now: start + .seconds(20))
        let refusal = try #require(refused)
        #expect(refusal.limit == .banned && refusal.limit.status == .forbidden)
        #expect(refusal.retryAfter == 40)
        #expect(admission.knock(try network(1), now: start) == nil)
        #expect(admission.knock(banned, now: start + .seconds(60)) == nil)
    }

    @Test func thereAreNoMoreBansThanTheTableHolds() throws {
        var admission = admission()
        for number in 0...Admission.bansMax { admission.ban(try network(number), for: .seconds(60 + number), now: start) }
        #expect(admission.knock(try network(0), now: start) == nil, "the one that would have ended first")
        #expect(admission.knock(try network(1), now: start) != nil)
        #expect(admission.knock(try network(Admission.bansMax), now: start) != nil)
    }

    @Test func aLimitThatGoesOnBitingIsWorthALineAMinute() {
        var admission = admission()
        #expect(admission.count(.joins, now: start) == 1)
        for _ in 0..<10 { #expect(admission.count(.joins, now: start + .seconds(59)) == nil) }
        #expect(admission.count(.viewers, now: start) == 1)
        #expect(admission.count(.joins, now: start + .seconds(60)) == 12)
        #expect(admission.refused == [.joins: 12, .viewers: 1])
    }
}
