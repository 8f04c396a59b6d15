import Testing

@testable import Egress

@Suite final class StreamActivityTests {
    var activity = StreamActivity()

    func active(_ id: String) -> StreamActivity.Verdict { activity.active(id) }

    /// The turn that is to be asked for later.
    func inactive(_ id: String) throws -> Int {
        let verdict = activity.inactive(id)
        guard case .askLater(let turn) = verdict else {
            Issue.record("not asked later but \(verdict)")
            return 0
        }
        return turn
    }

    func isStillInactive(_ turn: Int) -> Bool { activity.isStillInactive("cam", turn: turn) }

    @Test func aStreamThatStuttersIsActiveOnceAndNotInactive() throws {
        #expect(active("cam") == .say)
        var turns: [Int] = []
        for _ in 0..<100 {
            let turn = try inactive("cam")
            turns.append(turn)
            #expect(active("cam") == .leaveOut)
        }
        for turn in turns { #expect(!isStillInactive(turn)) }
    }

    @Test func whatStaysInactiveIsSaidOnceAndItsReturnToo() throws {
        _ = active("cam")
        let turn = try inactive("cam")
        #expect(isStillInactive(turn))
        #expect(!isStillInactive(turn))
        #expect(active("cam") == .say)
    }

    @Test func anEarlierPauseSaysNothingOfALaterOne() throws {
        _ = active("cam")
        let first = try inactive("cam")
        _ = active("cam")
        let second = try inactive("cam")
        #expect(!isStillInactive(first))
        #expect(isStillInactive(second))
    }

    @Test func streamsAreApartAndOneThatIsGoneIsForgotten() throws {
        #expect(active("cam") == .say)
        #expect(active("other") == .say)
        activity.forget("cam")
        #expect(active("cam") == .say)
        #expect(active("other") == .leaveOut)
    }
}
