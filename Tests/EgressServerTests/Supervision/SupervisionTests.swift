#if Server
import Testing

@testable import Egress
@testable import EgressServer

@Suite struct SupervisionTests {
    let start = ContinuousClock.now

    func later(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    /// A machine whose FFmpeg began to run at `start`.
    func running(probesEachTime: Bool = true) -> Supervision {
        var machine = Supervision(probesEachTime: probesEachTime)
        #expect(machine.firstAction == .probe)
        #expect(machine.probed(isSuccess: true) == .callStartHook)
        #expect(machine.hookCalled(isSuccess: true, now: start) == .run)
        return machine
    }

    @Test func probesThenCallsTheHookThenRuns() {
        let machine = running()
        #expect(machine.state == .running(since: start))
        #expect(machine.runs == 1)
    }

    @Test func probesAgainAfterAnEndAndChangesLegsWithoutTheHook() {
        var machine = running()
        #expect(machine.ended(now: later(100)) == .wait(.milliseconds(500)))
        #expect(machine.state == .waiting(then: .probe))
        #expect(machine.waited(now: later(101)) == .probe)
        #expect(machine.probed(isSuccess: true) == .changeLegs)
        #expect(machine.hookCalled(isSuccess: true, now: later(102)) == .run)
        #expect(machine.runs == 2)
    }

    @Test(arguments: [(9, Supervision.Step.probe), (10, .run)])
    func probesAFilmAgainOnlyAfterARunThatFailedSoon(seconds: Int, step: Supervision.Step) {
        var machine = running(probesEachTime: false)
        #expect(machine.ended(now: later(seconds)) == .wait(.milliseconds(500)))
        #expect(machine.state == .waiting(then: step))
    }

    @Test func probesOnWhileTheInputIsAwayAndStillOwesTheStopHook() {
        var machine = running()
        _ = machine.ended(now: later(1))
        _ = machine.waited(now: later(2))
        #expect(machine.probed(isSuccess: false) == .wait(.seconds(1)))
        #expect(machine.waited(now: later(3)) == .probe)
        #expect(machine.probed(isSuccess: true) == .changeLegs)
        #expect(machine.hookCalled(isSuccess: false, now: later(4)) == .wait(.seconds(2)))
        #expect(machine.waited(now: later(5)) == .probe)
        #expect(machine.stop() == .callStopHook)
    }

    @Test func probesAtOnceWhenThereIsMoreInTheInput() {
        var machine = running()
        #expect(machine.endedForProbe() == .probe)
        #expect(machine.probed(isSuccess: true) == .changeLegs)
    }

    @Test func waitsLongerAfterEachShortRun() {
        var machine = running()
        var now = 0
        var delays: [Supervision.Action] = []
        for _ in 0..<7 {
            now += 1
            delays.append(machine.ended(now: later(now)))
            _ = machine.waited(now: later(now))
            _ = machine.probed(isSuccess: true)
            #expect(machine.hookCalled(isSuccess: true, now: later(now)) == .run)
        }
        #expect(delays == [0.5, 1, 2, 4, 8, 15, 15].map { .wait(.seconds($0)) })
    }

    @Test(arguments: [(9, 1_000), (10, 500), (3_600, 500)])
    func startsTheDelaysAnewAfterAHealthyRun(seconds: Int, expected: Int) {
        var machine = running()
        _ = machine.ended(now: later(1))
        _ = machine.waited(now: later(2))
        _ = machine.probed(isSuccess: true)
        _ = machine.hookCalled(isSuccess: true, now: later(2))
        #expect(machine.ended(now: later(2 + seconds)) == .wait(.milliseconds(expected)))
    }

    @Test func probesAgainWhileTheInputIsNotThere() {
        var machine = Supervision()
        #expect(machine.probed(isSuccess: false) == .wait(.milliseconds(500)))
        #expect(machine.waited(now: start) == .probe)
        #expect(machine.probed(isSuccess: false) == .wait(.seconds(1)))
        #expect(machine.waited(now: start) == .probe)
        #expect(machine.probed(isSuccess: true) == .callStartHook)
    }

    @Test func countsTheProbesThatFailedOneAfterTheOther() {
        var machine = Supervision()
        for failures in 1...3 {
            _ = machine.probed(isSuccess: false)
            #expect(machine.probeFailures == failures)
            _ = machine.waited(now: start)
        }
        _ = machine.probed(isSuccess: true)
        #expect(machine.probeFailures == 0)
    }

    @Test func probesAgainWhenTheHookRefuses() {
        var machine = Supervision()
        _ = machine.probed(isSuccess: true)
        #expect(machine.hookCalled(isSuccess: false, now: start) == .wait(.milliseconds(500)))
        #expect(machine.waited(now: start) == .probe)
    }

    @Test func runsOtherLegsAtOnceAndWithoutTheHook() {
        var machine = running()
        #expect(machine.endedForNewLegs(now: later(3)) == .run)
        #expect(machine.state == .running(since: later(3)))
        #expect(machine.runs == 2)
    }

    @Test func owesTheStopHookOnceStarted() {
        var machine = running()
        #expect(machine.stop() == .callStopHook)
        #expect(machine.stop() == .finish)
    }

    @Test func owesTheStopHookWhileWaitingForTheNextRun() {
        var machine = running()
        _ = machine.ended(now: later(1))
        #expect(machine.stop() == .callStopHook)
    }

    @Test func owesNoStopHookBeforeTheStart() {
        var probing = Supervision()
        #expect(probing.stop() == .finish)
        var starting = Supervision()
        _ = starting.probed(isSuccess: true)
        #expect(starting.stop() == .finish)
    }

    @Test func ignoresReportsThatComeAfterTheStop() {
        var machine = running()
        _ = machine.stop()
        #expect(machine.ended(now: later(1)) == .finish)
        #expect(machine.waited(now: later(1)) == .finish)
        #expect(machine.endedForProbe() == .finish)
        #expect(machine.probed(isSuccess: true) == .finish)
        #expect(machine.hookCalled(isSuccess: true, now: later(1)) == .finish)
        #expect(machine.state == .stopped)
    }
}

@Suite struct SupervisionBoardTests {
    let board = SupervisionBoard(ids: ["cam", "other"])

    /// What a supervisor does, without FFmpeg: goes on until it is cancelled, and needs its place on the board to its end.
    func begin(_ id: String) -> Task<Void, Never>? {
        board.begin(id, on: WaitingThreads(count: 1)) { [board] in
            try? await Task.sleep(for: .seconds(3_600))
            #expect(board.contains(id))
            board.update(id) { $0.phase = .stopped }
        }
    }

    @Test func endsTheSupervisionOfTheStreamThatIsRemovedAndOfNoOther() async throws {
        let removed = try #require(begin("cam"))
        let other = try #require(begin("other"))
        #expect(await board.remove("cam"))
        #expect(removed.isCancelled)
        #expect(!other.isCancelled)
        #expect(board.all == ["other": SupervisionStatus()])
        other.cancel()
        await other.value
    }

    @Test func removesAStreamOnce() async {
        _ = begin("cam")
        async let first = board.remove("cam")
        async let second = board.remove("cam")
        #expect(await [first, second].filter { $0 }.count == 1)
        #expect(await !board.remove("cam"))
        #expect(await !board.remove("unknown"))
    }

    @Test func removesAStreamWhoseSupervisionHasEnded() async throws {
        let task = try #require(begin("cam"))
        task.cancel()
        await task.value
        #expect(await board.remove("cam"))
    }

    @Test func beginsNothingForAStreamThatHasBeenRemoved() async {
        #expect(await board.remove("cam"))
        #expect(begin("cam") == nil)
        board.update("cam") { $0.runs = 1 }
        #expect(!board.contains("cam"))
    }
}

@Suite struct PaceMonitorTests {
    let start = ContinuousClock.now

    /// What is said when media comes at `pace`, reported twice a second for `seconds`.
    func findings(pace: Double, seconds: Int, load: Double = 1) -> [Double] {
        var monitor = PaceMonitor()
        return (0...seconds * 2).compactMap { half in
            let elapsed = Duration.milliseconds(500 * half)
            return monitor.slowPace(
                position: elapsed * pace, now: start + elapsed, load: MachineLoad(busy: Double(half) * load, total: Double(half)))
        }
    }

    @Test(arguments: [1.0, 0.96, 3.0])
    func saysNothingInRealTime(pace: Double) {
        #expect(findings(pace: pace, seconds: 60).isEmpty)
    }

    @Test func saysOnceThatItIsTooSlow() {
        #expect(findings(pace: 0.5, seconds: 60) == [0.5])
    }

    /// A camera that was away, a link that stutters, a film with a hole.
    @Test func saysNothingOfAMachineThatHasTimeLeft() {
        #expect(findings(pace: 0.5, seconds: 60, load: 0.8).isEmpty)
    }

    private func busy(_ seconds: Double) -> MachineLoad { MachineLoad(busy: seconds, total: seconds) }

    @Test func waitsForAWholeWindow() {
        #expect(findings(pace: 0.5, seconds: 9).isEmpty)
    }

    @Test func forgetsASlowStartOutsideTheWindow() {
        var monitor = PaceMonitor()
        // A second passes before the first picture, as it does when FFmpeg starts.
        #expect(monitor.slowPace(position: .zero, now: start + .seconds(1), load: busy(1)) == nil)
        #expect(monitor.slowPace(position: .seconds(10), now: start + .seconds(11), load: busy(11)) == nil)
    }

    @Test func beginsAnewWhenThePositionStepsBack() {
        var monitor = PaceMonitor()
        _ = monitor.slowPace(position: .seconds(100), now: start, load: busy(0))
        #expect(monitor.slowPace(position: .zero, now: start + .seconds(10), load: busy(10)) == nil)
        #expect(monitor.slowPace(position: .seconds(10), now: start + .seconds(20), load: busy(20)) == nil)
    }
}

@Suite struct MachineLoadTests {
    @Test func timeThatIsNeitherIdleNorWaitedForDisksIsBusy() throws {
        let earlier = try #require(MachineLoad("cpu  10 0 10 100 20 0 0 0 0 0"))
        let later = try #require(MachineLoad("cpu  40 0 20 150 30 0 0 0 0 0"))
        #expect(later.share(since: earlier) == 0.4)
        #expect(later.share(since: later) == 0)
    }

    @Test(arguments: ["", "cpu", "cpu0 1 2 3 4 5", "cpu a b c d e", "cpu 1 2 3"]) func whatIsNoSuchLineIsNoLoad(line: String) {
        #expect(MachineLoad(line) == nil)
    }

    @Test func thisMachineHasOne() throws {
        let load = try #require(MachineLoad.now())
        #expect(load.total > 0 && load.busy <= load.total)
    }
}

@Suite struct BackoffTests {
    @Test func doublesUpToItsBoundAndStaysThere() {
        var backoff = Backoff(from: .milliseconds(100), to: .milliseconds(350))
        #expect((0..<4).map { _ in backoff.delay() } == [.milliseconds(100), .milliseconds(200), .milliseconds(350), .milliseconds(350)])
    }

    @Test func spreadsDelaysByWhatTheSeedSays() {
        func delays(_ seed: UInt64) -> [Duration] {
            var backoff = Backoff(from: .seconds(1), to: .seconds(8), spread: 0.3, seed: seed)
            return (0..<100).map { _ in backoff.delay() }
        }
        #expect(delays(1) == delays(1))
        #expect(delays(1) != delays(2))
        #expect(zip(delays(1), [1, 2, 4] + Array(repeating: 8, count: 97)).allSatisfy { $0 <= .seconds($1) && $0 >= .seconds($1) * 0.7 })
        #expect(delays(1).suffix(97).max()! > .seconds(7.8) && delays(1).suffix(97).min()! < .seconds(5.8))
    }

    @Test func beginsAtTheFirstDelayAfterAReset() {
        var backoff = Backoff()
        _ = backoff.delay()
        _ = backoff.delay()
        backoff.reset()
        #expect(backoff.delay() == .milliseconds(500))
    }
}
#endif
