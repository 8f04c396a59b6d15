import Testing

@testable import Egress

@Suite struct SignalTests {
    @Test func everyoneWhoWaitsIsWoken() async {
        let signal = Signal()
        await withTaskGroup { group in
            for _ in 0..<20 { group.addTask { await signal.wait() } }
            signal.raise()
            signal.raise()
        }
        await signal.wait()
    }

    @Test func waitingEndsAtItsLimit() async {
        let signal = Signal()
        let start = ContinuousClock.now
        await signal.wait(upTo: .milliseconds(30))
        #expect(ContinuousClock.now - start >= .milliseconds(30))
        await signal.wait(upTo: .zero)
        await signal.wait(upTo: .seconds(-1))
    }

    @Test func aCancelledTaskStopsWaiting() async {
        let signal = Signal()
        let task = Task { await signal.wait() }
        task.cancel()
        await task.value
    }

    @Test func aRaisedSignalIsNotWaitedFor() async {
        let signal = Signal()
        signal.raise()
        let start = ContinuousClock.now
        await signal.wait(upTo: .seconds(3_600))
        #expect(ContinuousClock.now - start < .seconds(600))
    }
}
