#if Server
import Glibc
import Synchronization
import Testing

@testable import EgressServer

@Suite struct StopSequenceTests {
    private let begin = ContinuousClock.now

    private func sequence(hasLostTerminal: Bool = false) -> StopSequence {
        StopSequence(drain: .seconds(2), shutdownMax: .seconds(8), hasLostTerminal: { hasLostTerminal })
    }

    @Test func theFirstSignalBeginsAndTheSecondEndsAtOnce() {
        var stop = sequence()
        #expect(stop.receive(SIGTERM, now: begin) == .begin(drain: .seconds(2)))
        #expect(stop.receive(SIGTERM, now: begin) == .exit(143))
        var interrupted = sequence()
        #expect(interrupted.receive(SIGINT, now: begin) == .begin(drain: .zero))
        #expect(interrupted.receive(SIGTERM, now: begin) == .exit(143))
    }

    @Test func anEndThatDoesNotComeIsForced() {
        var stop = sequence()
        #expect(stop.wait(now: begin + .seconds(1_000)) == .none)
        _ = stop.receive(SIGTERM, now: begin)
        #expect(stop.deadline == begin + .seconds(10))
        #expect(stop.wait(now: begin + .seconds(9)) == .none)
        #expect(stop.wait(now: begin + .seconds(10)) == .exit(143))
    }

    @Test func filesAreReadAgainAsOftenAsAskedAlsoWhileItEnds() {
        var stop = sequence()
        #expect(stop.receive(SIGHUP, now: begin) == .reload)
        #expect(stop.receive(SIGHUP, now: begin) == .reload)
        _ = stop.receive(SIGTERM, now: begin)
        #expect(stop.receive(SIGHUP, now: begin) == .reload)
    }

    @Test func aTerminalThatIsClosedEndsTheServerInOrder() {
        var stop = sequence(hasLostTerminal: true)
        #expect(stop.receive(SIGHUP, now: begin) == .begin(drain: .zero))
        // Shells may send it more than once.
        #expect(stop.receive(SIGHUP, now: begin) == .none)
    }
}
#endif
