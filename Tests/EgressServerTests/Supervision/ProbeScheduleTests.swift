#if Server
import Synchronization
import Testing

@testable import EgressServer

@Suite struct ProbeScheduleTests {
    static let limits = ProbeSchedule.Limits(beginning: 4, running: 128, slice: .milliseconds(250))
    let start = ContinuousClock.now

    func later(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    @Test func letsAFewBeginAtOnceAndTheOthersAsTheyAreDone() {
        var schedule = ProbeSchedule(limits: Self.limits)
        for ticket in 1...6 { schedule.ask(UInt64(ticket), failures: 0) }
        #expect(schedule.due(now: start) == [1, 2, 3, 4])
        #expect(schedule.due(now: later(1)) == [])
        schedule.leave(2)
        #expect(schedule.due(now: later(2)) == [5])
        schedule.leave(6)
        #expect(schedule.waitingCount == 0)
        #expect(schedule.nextDue(now: later(2)) == nil)
    }

    @Test func letsOthersBeginWhileOneWaitsForItsInput() {
        var schedule = ProbeSchedule(limits: Self.limits)
        for ticket in 1...10 { schedule.ask(UInt64(ticket), failures: 0) }
        _ = schedule.due(now: start)
        #expect(schedule.nextDue(now: start) == later(250))
        #expect(schedule.due(now: later(249)) == [])
        #expect(schedule.due(now: later(250)) == [5, 6, 7, 8])
        #expect(schedule.due(now: later(500)) == [9, 10])
        #expect(schedule.runningCount == 10)
    }

    @Test func runsSoManyInAllAndNoMore() {
        var schedule = ProbeSchedule(limits: .init(beginning: 4, running: 6, slice: .milliseconds(250)))
        for ticket in 1...20 { schedule.ask(UInt64(ticket), failures: 0) }
        for slice in 0..<40 { _ = schedule.due(now: later(250 * slice)) }
        #expect(schedule.runningCount == 6)
        #expect(schedule.nextDue(now: later(10_000)) == nil, "nothing changes before one is done")
        schedule.leave(1)
        #expect(schedule.due(now: later(10_000)) == [7])
    }

    @Test func takesThoseNeverTriedBeforeThoseThatFailed() {
        var schedule = ProbeSchedule(limits: .init(beginning: 1, running: 128, slice: .seconds(1)))
        schedule.ask(1, failures: 9)
        schedule.ask(2, failures: 1)
        schedule.ask(3, failures: 0)
        schedule.ask(4, failures: 0)
        #expect((0..<3).map { schedule.due(now: start + .seconds($0)) } == [[3], [4], [2]])
    }

    @Test func letsNobodyWaitForEver() {
        var schedule = ProbeSchedule(limits: .init(beginning: 1, running: 128, slice: .seconds(1)))
        schedule.ask(1, failures: 100)
        var begun: [ProbeSchedule.Ticket] = []
        for second in 0..<8 {
            schedule.ask(UInt64(second + 2), failures: 0)
            begun += schedule.due(now: start + .seconds(second))
        }
        #expect(begun.prefix(4).last == 1)
    }

    /// Inputs that are away for good, each looked for over 10 s and again after 15 s, and one that comes last and is there.
    @Test(arguments: [(0, 0), (50, 4), (150, 12), (1_000, 90)])
    func deadInputsDelayAGoodOneByTheirNumberOfSlicesOnly(dead: Int, secondsMax: Int) {
        var schedule = ProbeSchedule(limits: Self.limits)
        let good = UInt64(dead + 1)
        for ticket in 1...good { schedule.ask(ticket, failures: 0) }
        var ends: [(at: Int, ticket: ProbeSchedule.Ticket)] = []
        var returns: [(at: Int, ticket: ProbeSchedule.Ticket)] = []
        var now = 0
        while now < 200_000 {
            for end in ends where end.at <= now { schedule.leave(end.ticket) }
            for back in returns where back.at <= now { schedule.ask(back.ticket, failures: 1) }
            ends.removeAll { $0.at <= now }
            returns.removeAll { $0.at <= now }
            let begun = schedule.due(now: later(now))
            if begun.contains(good) { break }
            ends += begun.map { (now + 10_000, $0) }
            returns += begun.map { (now + 25_000, $0) }
            now += 50
        }
        #expect(now <= secondsMax * 1_000)
    }
}

/// How many are at it, and have been at most.
private final class Gauge: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    func enter() {
        counts.withLock { counts in
            counts.now += 1
            counts.most = max(counts.most, counts.now)
        }
    }

    func leave() { counts.withLock { $0.now -= 1 } }

    var most: Int { counts.withLock { $0.most } }
}

@Suite struct ProbeQueueTests {
    @Test func boundsHowManyProbesRun() async throws {
        let queue = ProbeQueue(limits: .init(beginning: 3, running: 3, slice: .seconds(3_600)))
        let gauge = Gauge()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<50 {
                tasks.addTask {
                    try await queue.run(failures: 0) {
                        gauge.enter()
                        await Task.yield()
                        gauge.leave()
                    }
                }
            }
            try await tasks.waitForAll()
        }
        #expect(gauge.most <= 3)
    }

    @Test func goesOnAfterAProbeThatFails() async throws {
        struct Failure: Error {}
        let queue = ProbeQueue(limits: .init(beginning: 1, running: 1, slice: .seconds(3_600)))
        await #expect(throws: Failure.self) { try await queue.run(failures: 0) { throw Failure() } }
        #expect(try await queue.run(failures: 0) { 7 } == 7)
    }

    @Test func aWaitThatIsCancelledTakesNoTurn() async throws {
        let queue = ProbeQueue(limits: .init(beginning: 1, running: 1, slice: .seconds(3_600)))
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let first = Task { try await queue.run(failures: 0) { for await _ in ended {} } }
        let second = Task { try await queue.run(failures: 0) { Issue.record("its turn has come") } }
        let third = Task { try await queue.run(failures: 0) { 7 } }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        end.finish()
        try await first.value
        #expect(try await third.value == 7)
    }

    @Test func letsTheNextBeginWhenASliceIsOver() async throws {
        let queue = ProbeQueue(limits: .init(beginning: 1, running: 8, slice: .milliseconds(50)))
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let first = Task { try await queue.run(failures: 0) { for await _ in ended {} } }
        #expect(try await queue.run(failures: 0) { 7 } == 7)
        end.finish()
        try await first.value
    }
}
#endif
