import Testing

@testable import Egress

extension StreamTable {
    fileprivate mutating func start(_ id: String, _ engineID: UInt64) throws -> ProcessStream {
        let stream = ProcessStream(id, engineID)
        try reserve(id)
        let isActive = activate(stream)
        try #require(isActive)
        return stream
    }
}

@Suite struct StreamTableTests {
    @Test func aReservationIsNotAStreamYet() throws {
        var table = StreamTable()
        try table.reserve("a")
        #expect(table.known("a") == nil && table.all.isEmpty)
        #expect(table.remove("a") == nil)
        #expect(failure { try table.reserve("a") }?.code == .streamExists)
    }

    @Test func releasingGivesAReservationBackAndDoesNotTouchARunningStream() throws {
        var table = StreamTable()
        _ = try table.start("a", 1)
        table.release("a")
        #expect(table.running("a") != nil)
        try table.reserve("b")
        table.release("b")
        try table.reserve("b")
    }

    @Test func aClosedTableTakesNothingIn() throws {
        var table = StreamTable()
        _ = try table.start("a", 1)
        try table.reserve("b")
        #expect(table.close() == ["a", "b"])
        let isActive = table.activate(ProcessStream("b", 2))
        #expect(!isActive)
        #expect(failure { try table.reserve("c") }?.code == .shutDown)
        #expect(table.close() == ["a"])
    }

    @Test func aStreamThatIsBeingStoppedIsKnownUntilItIsForgotten() throws {
        var table = StreamTable()
        let stream = try table.start("a", 1)
        #expect(table.remove("a")?.engineID == 1)
        #expect(table.remove("a") == nil, "one stop takes it")
        #expect(table.running("a") == nil && !table.isRunning(stream))
        #expect(table.known("a") != nil && table.all.map(\.id) == ["a"] && table[1] != nil)
        table.forget(stream)
        #expect(table.known("a") == nil && table.all.isEmpty && table[1] == nil)
    }

    @Test func aSecondRunUnderTheSameIdIsAnotherStream() throws {
        var table = StreamTable()
        let first = try table.start("a", 1)
        _ = table.remove("a")
        try table.reserve("a")
        #expect(table.known("a")?.engineID == 1, "the second is not there yet")
        table.release("a")
        _ = try table.start("a", 2)
        #expect(table.known("a")?.engineID == 2 && !table.isRunning(first))
        #expect(table.stopped("a").map(\.engineID) == [1])
        #expect(table.stopped("b").isEmpty)
        table.forget(first)
        #expect(table.running("a")?.engineID == 2 && table.stopped("a").isEmpty)
    }

    @Test func onlyTheRunThatIsMeantGetsOtherLegs() throws {
        var table = StreamTable()
        let config = WebRTCConfig(videoPayloadType: 97)
        let first = try table.start("a", 1)
        _ = table.remove("a")
        let isChangedWhenStopped = table.change(first, to: config, [])
        let second = try table.start("a", 2)
        let isChangedByAnother = table.change(first, to: config, [])
        #expect(!isChangedWhenStopped && !isChangedByAnother)
        #expect(table.running("a")?.config == WebRTCConfig())
        let isChanged = table.change(second, to: config, [])
        #expect(isChanged)
        #expect(table.running("a")?.config == config && table[2]?.config == config)
        #expect(table.running("a")?.base == WebRTCConfig())
    }
}
