import Testing

@testable import Egress

@Suite struct EndedSessionsTests {
    @Test func theLastOnesAreRememberedHoweverManyThereWere() {
        let now = ContinuousClock.now
        var ended = EndedSessions()
        func isRemembered(_ index: Int) -> Bool { ended.reason(for: "\(index)", of: "a", now: now) != nil }
        for index in 0..<(3 * EndedSessions.countMax) {
            ended.add("\(index)", of: "a", .peer, now: now)
            #expect(isRemembered(index) && !isRemembered(index - EndedSessions.countMax))
            if index >= EndedSessions.countMax - 1 { #expect(isRemembered(index + 1 - EndedSessions.countMax)) }
        }
    }
}
