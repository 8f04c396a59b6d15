import Testing

@testable import Egress

@Suite struct StreamRegistryTests {
    let registry = StreamRegistry()

    func running(_ id: String, _ engineID: UInt64) throws -> ProcessStream {
        let stream = ProcessStream(id, engineID)
        try registry.reserve(id)
        try #require(registry.activate(stream))
        return stream
    }

    @discardableResult
    func viewer(_ id: String, of stream: ProcessStream, _ viewer: UInt64) throws -> Bool {
        try registry.reserveViewer(of: stream, max: 100)
        return registry.commitViewer(ViewerSession(id, of: stream, viewer))
    }

    @Test func ofManyReservationsOneWins() async {
        let wins = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<100 { group.addTask { failure { try registry.reserve("a") } == nil ? 1 : 0 } }
            return await group.reduce(0, +)
        }
        #expect(wins == 1)
        registry.release("a")
        #expect(failure { try registry.reserve("a") } == nil)
    }

    @Test func streamsAreSortedById() throws {
        for (index, id) in ["b", "c", "a"].enumerated() { _ = try running(id, UInt64(index + 1)) }
        #expect(registry.streams().map(\.id) == ["a", "b", "c"])
    }

    @Test func viewersThatAreBeingMadeCountTowardsTheLimit() throws {
        let stream = try running("a", 1)
        try registry.reserveViewer(of: stream, max: 2)
        try registry.reserveViewer(of: stream, max: 2)
        #expect(failure { try registry.reserveViewer(of: stream, max: 2) }?.code == .limitReached)
        registry.abandonViewer(of: stream)
        try registry.reserveViewer(of: stream, max: 2)
        #expect(registry.commitViewer(ViewerSession("s", of: stream, 1)))
        #expect(failure { try registry.reserveViewer(of: stream, max: 2) }?.code == .limitReached)
        #expect(registry.viewerEnded(1, .peer)?.session == "s")
        try registry.reserveViewer(of: stream, max: 2)
    }

    @Test func aViewerThatEndedWhileItWasMadeIsNotKept() throws {
        let stream = try running("a", 1)
        try registry.reserveViewer(of: stream, max: 1)
        #expect(registry.viewerEnded(7, .peer) == nil)
        #expect(!registry.commitViewer(ViewerSession("s", of: stream, 7)))
        #expect(!registry.hasSession("s", of: "a"))
        try viewer("t", of: stream, 8)
        #expect(registry.hasSession("t", of: "a"))
    }

    @Test func aViewerOfAStreamThatStoppedWhileItWasMadeIsNotKept() throws {
        let stream = try running("a", 1)
        try registry.reserveViewer(of: stream, max: 1)
        _ = registry.remove("a")
        #expect(!registry.commitViewer(ViewerSession("s", of: stream, 7)))
        registry.forget(stream)
        #expect(failure { try registry.reserveViewer(of: stream, max: 1) }?.code == .notFound)
    }

    @Test func stoppingEndsTheSessionsOfThatRunOnly() throws {
        let first = try running("a", 1)
        try viewer("old", of: first, 7)
        _ = try #require(registry.remove("a"))
        let second = try running("a", 2)
        try viewer("new", of: second, 8)
        registry.endSessions(ofStopped: "a")
        #expect(!registry.hasSession("old", of: "a"))
        #expect(registry.hasSession("new", of: "a"))
        registry.forget(first)
        #expect(registry.viewerEnded(7, .peer) == nil)
        #expect(registry.hasSession("new", of: "a"))
    }

    @Test func forgettingWakesWhoeverWaitsForTheFormat() async throws {
        let stream = try running("a", 1)
        async let first: Void = stream.formatsKnown[0].wait()
        async let last: Void = stream.formatsKnown[Encoding.countMax - 1].wait()
        _ = registry.remove("a")
        registry.forget(stream)
        await first
        await last
    }

    @Test(.timeLimit(.minutes(1))) func anEncodingsFormatWakesThoseAloneWhoWaitForThatEncoding() async throws {
        let stream = try running("a", 1)
        let format = VideoFormat(codec: .vp8, profileIDC: 0, constraints: 0, levelIDC: 0, width: 640, height: 360)
        _ = registry.receive(.videoFormat(stream: 1, encoding: 1, format))
        await stream.formatsKnown[1].wait()
        let limit = Duration.milliseconds(50)
        let waited = await ContinuousClock().measure { await stream.formatsKnown[0].wait(upTo: limit) }
        #expect(waited >= limit, "the format of another encoding ended the wait")
        _ = registry.receive(.videoFormat(stream: 1, format))
        await stream.formatsKnown[0].wait()
    }

    @Test func everyViewerThatWasConnectingIsTakenOffOnceHoweverItWentOn() throws {
        let stream = try running("a", 1)
        let network = try #require(ClientNetwork("192.0.2.1"))
        let limits = ConnectingViewers.Limits(all: 4, perNetwork: 2)
        func reserve(_ network: ClientNetwork?) -> EgressError? {
            failure { try registry.reserveViewer(of: stream, max: 100, from: network, connecting: limits) }
        }
        func session(_ id: String, _ viewer: UInt64) -> ViewerSession {
            var session = ViewerSession(id, of: stream, viewer)
            session.network = network
            return session
        }
        #expect(reserve(network) == nil && reserve(network) == nil)
        #expect(reserve(network)?.limit == .connectingPerAddress)
        registry.abandonViewer(of: stream, from: network)
        #expect(reserve(network) == nil)
        #expect(registry.commitViewer(session("s", 7)) && registry.commitViewer(session("t", 8)))
        #expect(registry.viewersConnecting == 2)
        _ = registry.viewerConnected(7)
        _ = registry.viewerConnected(7)
        #expect(registry.viewersConnecting == 1)
        _ = registry.viewerEnded(7, .peer)
        _ = registry.viewerEnded(8, .peer)
        #expect(registry.viewersConnecting == 0)
        #expect(reserve(network) == nil && reserve(network) == nil && reserve(nil) == nil && reserve(nil) == nil)
        #expect(reserve(nil)?.limit == .connecting)
        #expect(registry.viewerEnded(9, .peer) == nil)
        #expect(!registry.commitViewer(session("u", 9)), "it has ended")
        #expect(registry.commitViewer(session("v", 10)))
        _ = registry.remove("a")
        registry.forget(stream)
        #expect(registry.viewersConnecting == 2, "two without an address are still being made")
    }

    @Test func viewersAreCountedOnceTheyAreConnectedAndUntilTheyEnd() throws {
        let stream = try running("a", 1)
        try viewer("s", of: stream, 7)
        try viewer("t", of: stream, 8)
        #expect(registry.viewersConnected(of: "a") == 0)
        #expect(registry.viewerConnected(7)?.session == "s")
        #expect(registry.viewerConnected(9) == nil)
        #expect(registry.viewersConnected(of: "a") == 1)
        _ = registry.viewerEnded(7, .peer)
        #expect(registry.viewersConnected(of: "a") == 0 && registry.viewersConnected(of: "b") == 0)
    }
}
