import Testing

@testable import Egress

@Suite struct EndedSessionsTests {
    @Test func theLastOnesAreRememberedHoweverManyThereWere() {
        let now = ContinuousClock.now
        var ended = EndedSessions()
        func isRemembered(_ index: Int) -> Bool { ended.ending(of: "\(index)", of: "a", now: now) != nil }
        func isRemembered(viewer: Int) -> Bool { ended.ending(ofViewer: UInt64(clamping: viewer) + 1, of: "a", now: now) != nil }
        let stream = ProcessStream("a", 1)
        for index in 0..<(3 * EndedSessions.countMax) {
            ended.add(ViewerSession("\(index)", of: stream, UInt64(index) + 1), ViewerEnding(.peer), now: now)
            #expect(isRemembered(index) && !isRemembered(index - EndedSessions.countMax))
            if index >= EndedSessions.countMax - 1 { #expect(isRemembered(index + 1 - EndedSessions.countMax)) }
            if index >= EndedSessions.countMax {
                #expect(isRemembered(viewer: index) && !isRemembered(viewer: index - EndedSessions.countMax))
            }
        }
    }
}
