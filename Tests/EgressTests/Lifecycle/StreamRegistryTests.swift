import Testing

@testable import Egress

@Suite struct StreamRegistryTests {
    static func stream(_ id: String, _ engineID: UInt64) -> StreamRegistry.Stream {
        StreamRegistry.Stream(
            id: id, engineID: engineID, ports: .init(stream: engineID, video: 5_000, audio: 5_001), base: WebRTCConfig(),
            config: WebRTCConfig(), outputs: [])
    }

    static func session(_ id: String, _ stream: StreamRegistry.Stream, _ viewer: UInt64) -> StreamRegistry.Session {
        StreamRegistry.Session(id: id, stream: stream.id, engineStream: stream.engineID, viewer: viewer)
    }

    let registry = StreamRegistry()

    func running(_ id: String, _ engineID: UInt64) throws -> StreamRegistry.Stream {
        let stream = Self.stream(id, engineID)
        try registry.reserve(id)
        try #require(registry.activate(stream))
        return stream
    }

    @discardableResult
    func viewer(_ id: String, of stream: StreamRegistry.Stream, _ viewer: UInt64) throws -> Bool {
        try registry.reserveViewer(of: stream, max: 100)
        return registry.commitViewer(Self.session(id, stream, viewer))
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

    @Test func aReservationIsNotAStreamYet() throws {
        try registry.reserve("a")
        #expect(registry.stream(named: "a") == nil)
        #expect(registry.streams().isEmpty)
        #expect(registry.remove("a") == nil)
        #expect(failure { try registry.reserve("a") }?.code == .streamExists)
    }

    @Test func releasingDoesNotTouchARunningStream() throws {
        _ = try running("a", 1)
        registry.release("a")
        #expect(registry.stream(named: "a") != nil)
    }

    @Test func streamsAreSortedById() throws {
        for (index, id) in ["b", "c", "a"].enumerated() { _ = try running(id, UInt64(index + 1)) }
        #expect(registry.streams().map(\.id) == ["a", "b", "c"])
    }

    @Test func aClosedRegistryTakesNothingIn() throws {
        _ = try running("a", 1)
        try registry.reserve("b")
        #expect(registry.close() == ["a", "b"])
        #expect(!registry.activate(Self.stream("b", 2)))
        #expect(failure { try registry.reserve("c") }?.code == .shutDown)
        #expect(registry.close() == ["a"])
    }

    @Test func viewersThatAreBeingMadeCountTowardsTheLimit() throws {
        let stream = try running("a", 1)
        try registry.reserveViewer(of: stream, max: 2)
        try registry.reserveViewer(of: stream, max: 2)
        #expect(failure { try registry.reserveViewer(of: stream, max: 2) }?.code == .limitReached)
        registry.abandonViewer(of: stream)
        try registry.reserveViewer(of: stream, max: 2)
        #expect(registry.commitViewer(Self.session("s", stream, 1)))
        #expect(failure { try registry.reserveViewer(of: stream, max: 2) }?.code == .limitReached)
        #expect(registry.viewerEnded(1, .peer)?.session == "s")
        try registry.reserveViewer(of: stream, max: 2)
    }

    @Test func aSessionIsTakenOnceAndOnlyByItsStream() throws {
        let stream = try running("a", 1)
        _ = try running("b", 2)
        try viewer("s", of: stream, 7)
        #expect(registry.takeSession("s", of: "b") == nil)
        #expect(registry.hasSession("s", of: "a") && !registry.hasSession("s", of: "b"))
        #expect(registry.takeSession("s", of: "a")?.viewer == 7)
        #expect(registry.takeSession("s", of: "a") == nil)
        #expect(!registry.hasSession("s", of: "a"))
        #expect(registry.takeSession("t", of: nil) == nil)
    }

    @Test func aViewerThatEndedWhileItWasMadeIsNotKept() throws {
        let stream = try running("a", 1)
        try registry.reserveViewer(of: stream, max: 1)
        #expect(registry.viewerEnded(7, .peer) == nil)
        #expect(!registry.commitViewer(Self.session("s", stream, 7)))
        #expect(!registry.hasSession("s", of: "a"))
        try viewer("t", of: stream, 8)
        #expect(registry.hasSession("t", of: "a"))
    }

    @Test func aViewerOfAStreamThatStoppedWhileItWasMadeIsNotKept() throws {
        let stream = try running("a", 1)
        try registry.reserveViewer(of: stream, max: 1)
        _ = registry.remove("a")
        #expect(!registry.commitViewer(Self.session("s", stream, 7)))
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
        async let waiting: Void = stream.formatKnown.wait()
        _ = registry.remove("a")
        registry.forget(stream)
        await waiting
    }

    @Test func onlyOneOfSeveralRestartsGoesAhead() throws {
        let stream = try running("a", 1)
        try viewer("s", of: stream, 7)
        #expect(failure { try registry.beginRestart(of: "s", "b", replacing: "") }?.code == .notFound)
        #expect(failure { try registry.beginRestart(of: "s", "a", replacing: "old") }?.code == .notActive)
        var ice = try registry.beginRestart(of: "s", "a", replacing: "").ice
        #expect(failure { try registry.beginRestart(of: "s", "a", replacing: "") }?.code == .notActive)
        ice.entityTag = "new"
        registry.endRestart(of: "s", with: ice)
        #expect(failure { try registry.beginRestart(of: "s", "a", replacing: "") }?.code == .notActive)
        _ = try registry.beginRestart(of: "s", "a", replacing: "new")
        registry.endRestart(of: "s", with: nil)
        #expect(
            registry.session("s", of: "a")?.ice
                == {
                    ice.isRestarting = false
                    return ice
                }())
    }

    @Test func everyViewerThatWasConnectingIsTakenOffOnceHoweverItWentOn() throws {
        let stream = try running("a", 1)
        let network = try #require(ClientNetwork("192.0.2.1"))
        let limits = ConnectingViewers.Limits(all: 4, perNetwork: 2)
        func reserve(_ network: ClientNetwork?) -> EgressError? {
            failure { try registry.reserveViewer(of: stream, max: 100, from: network, connecting: limits) }
        }
        func session(_ id: String, _ viewer: UInt64) -> StreamRegistry.Session {
            var session = Self.session(id, stream, viewer)
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

    @Test func whyASessionEndedIsToldForItsStreamAndAMinute() throws {
        let now = ContinuousClock.now
        let stream = try running("a", 1)
        for (index, id) in ["s", "t", "u"].enumerated() { try viewer(id, of: stream, UInt64(7 + index)) }
        #expect(registry.closeReason(of: "s", of: "a", now: now) == nil, "it goes on")
        #expect(registry.closeReason(of: "v", of: "a", now: now) == nil, "it never was")
        _ = registry.viewerEnded(7, .congestion, now: now)
        #expect(registry.closeReason(of: "s", of: "a", now: now) == .congestion)
        #expect(registry.closeReason(of: "s", of: "b", now: now) == nil)
        _ = registry.takeSession("t", of: "a")
        #expect(registry.closeReason(of: "t", of: "a", now: now) == .requested, "the engine's event has not come yet")
        #expect(registry.closeReason(of: "t", of: "b", now: now) == nil)
        _ = registry.remove("a")
        registry.endSessions(ofStopped: "a")
        #expect(registry.closeReason(of: "u", of: "a", now: now) == .streamStopped)
        registry.forget(stream, now: now)
        #expect(registry.closeReason(of: "u", of: "a", now: now + .seconds(59)) == .streamStopped)
        for id in ["s", "t", "u"] { #expect(registry.closeReason(of: id, of: "a", now: now + .seconds(60)) == nil) }
    }
}

@Suite struct EndedSessionsTests {
    @Test func theLastOnesAreRememberedHoweverManyThereWere() {
        let now = ContinuousClock.now
        var ended = EndedSessions()
        func isRemembered(_ index: Int) -> Bool { ended.reason(for: "\(index)", of: "a", now: now) != nil }
        for index in 0..<(3 * EndedSessions.countMax) {
            ended.add("\(index)", of: "a", .peer, now: now)
            #expect(isRemembered(index) && !isRemembered(index - EndedSessions.countMax))
            if index >= EndedSessions.countMax - 1 { #expect(isRemembered(index + 1 - EndedSessions.countMax)) }
        }
    }
}
