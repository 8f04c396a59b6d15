import Testing

@testable import Egress

@Suite struct PendingViewersTests {
    @Test func theyAreCountedForEachStream() {
        var pending = PendingViewers()
        for stream: UInt64 in [1, 1, 2] { pending.begin(stream) }
        #expect([1, 2, 3].map { pending.count(of: $0) } == [2, 1, 0])
        pending.end(1)
        #expect([1, 2, 3].map { pending.count(of: $0) } == [1, 1, 0])
    }

    @Test func anEndIsRememberedWhileOneIsBeingMade() {
        var pending = PendingViewers()
        pending.note(ended: 7)
        #expect(!pending.hasEnded(7), "none is being made")
        pending.begin(1)
        pending.begin(2)
        pending.note(ended: 8)
        pending.end(1)
        #expect(pending.hasEnded(8) && !pending.hasEnded(9))
        pending.end(2)
        #expect(!pending.hasEnded(8))
    }
}
