import Testing

@testable import Egress

@Suite struct RepetitionsTests {
    private let begin = ContinuousClock.now

    @Test func theSameIsToldOncePerWindowWithItsNumber() {
        var repetitions = Repetitions(window: .seconds(60), entriesMax: 10)
        #expect(repetitions.note("a", now: begin) == (true, 0))
        for second in 1..<60 { #expect(repetitions.note("a", now: begin + .seconds(second)) == (false, 0)) }
        #expect(repetitions.note("b", now: begin) == (true, 0))
        #expect(repetitions.note("a", now: begin + .seconds(60)) == (true, 59))
        #expect(repetitions.note("a", now: begin + .seconds(120)) == (true, 0))
    }

    @Test func aFloodOfDifferentThingsTakesBoundedRoomAndTheNewestAreKnown() {
        var repetitions = Repetitions(window: .seconds(60), entriesMax: 10)
        for number in 0..<1_000 { #expect(repetitions.note("\(number)", now: begin + .milliseconds(number)).isTold) }
        #expect(!repetitions.note("999", now: begin + .seconds(2)).isTold)
        #expect(repetitions.note("0", now: begin + .seconds(2)).isTold)
    }
}
