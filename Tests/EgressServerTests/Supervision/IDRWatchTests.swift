#if Server
import Testing

@testable import EgressServer

@Suite struct IDRWatchTests {
    private let start = ContinuousClock.now

    /// Looks twice a second for so long. Gives when it objected, in seconds.
    private func objection(within seconds: Int, idr: (_ second: Int) -> Bool, comes: (_ second: Int) -> Bool = { _ in true }) -> Int? {
        var watch = IDRWatch(idrs: 7, packets: 100, now: start)
        var (idrs, packets): (UInt64, UInt64) = (7, 100)
        for half in 1...seconds * 2 {
            if comes(half / 2) { packets += 50 }
            if half % 2 == 0, idr(half / 2) { idrs += 1 }
            if watch.look(idrs: idrs, packets: packets, now: start + .milliseconds(500) * half) { return half / 2 }
        }
        return nil
    }

    @Test func objectsToVideoThatHasNone() {
        #expect(objection(within: 60) { _ in false } == 10)
    }

    @Test func objectsWhenTheyStop() {
        #expect(objection(within: 60) { $0 <= 20 } == 30)
    }

    @Test func letsACameraOfLongGroupsPass() {
        #expect(objection(within: 120) { $0 % 9 == 0 } == nil)
    }

    @Test func doesNotCountTheTimeInWhichNothingComes() {
        #expect(objection(within: 60, idr: { _ in false }, comes: { $0 < 4 || $0 >= 40 }) == 46)
    }

    @Test func doesNotCountTheTimeInWhichItDidNotLook() {
        var watch = IDRWatch(idrs: 0, packets: 0, now: start)
        let objects = watch.look(idrs: 0, packets: 1, now: start + .seconds(3_600))
        #expect(!objects)
    }
}
#endif
