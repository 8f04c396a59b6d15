import Testing

@testable import Egress

@Suite struct OneShotTests {
    @Test func everyoneWhoWaitsIsWoken() async {
        let oneShot = OneShot()
        await withTaskGroup { group in
            for _ in 0..<20 { group.addTask { await oneShot.wait() } }
            oneShot.raise()
            oneShot.raise()
        }
        await oneShot.wait()
    }

    @Test func waitingEndsAtItsLimit() async {
        let oneShot = OneShot()
        let start = ContinuousClock.now
        await oneShot.wait(upTo: .milliseconds(30))
        #expect(ContinuousClock.now - start >= .milliseconds(30))
        await oneShot.wait(upTo: .zero)
        await oneShot.wait(upTo: .seconds(-1))
    }

    @Test func aCancelledTaskStopsWaiting() async {
        let oneShot = OneShot()
        let task = Task { await oneShot.wait() }
        task.cancel()
        await task.value
    }

    @Test func aRaisedOneShotIsNotWaitedFor() async {
        let oneShot = OneShot()
        oneShot.raise()
        let start = ContinuousClock.now
        await oneShot.wait(upTo: .seconds(3_600))
        #expect(ContinuousClock.now - start < .seconds(600))
    }
}
