import Testing

@testable import Egress

@Suite struct CounterOffersTests {
    private let now = ContinuousClock.now

    private func offer(now: ContinuousClock.Instant) -> CounterOffer {
        CounterOffer(ProcessStream("a", 1), .init(hasAudio: true, video: CodecNegotiationTests.baseline), now: now)
    }

    @Test func oneHoldsForHalfAMinuteAndForItsStreamOnly() {
        var offers = CounterOffers()
        let offer = offer(now: now)
        let isKept = offers.keep(offer, now: now)
        #expect(isKept)
        #expect(offers.offer(offer.session, of: "a", now: now + .seconds(29)) != nil)
        #expect(offers.offer(offer.session, of: "a", now: now + .seconds(30)) == nil)
        #expect(offers.offer(offer.session, of: "b", now: now) == nil)
    }

    @Test func soManyWaitAndOldOnesMakeRoom() {
        var offers = CounterOffers()
        let areKept = (0...CounterOffers.countMax).map { _ in offers.keep(offer(now: now), now: now) }
        #expect(areKept == Array(repeating: true, count: CounterOffers.countMax) + [false])
        let later = now + .seconds(30)
        let isKept = offers.keep(offer(now: later), now: later)
        #expect(isKept)
    }

    @Test func ofSeveralAnswersOneTakesIt() {
        var offers = CounterOffers()
        let offer = offer(now: now)
        let isKept = offers.keep(offer, now: now)
        let areTaken = (0..<2).map { _ in offers.take(offer.session) }
        #expect(isKept && areTaken == [true, false])
        #expect(offers.offer(offer.session, of: "a", now: now) == nil)
    }
}
