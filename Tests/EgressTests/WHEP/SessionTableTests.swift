import Testing

@testable import Egress

@Suite struct SessionTableTests {
    private let now = ContinuousClock.now
    private let stream = ProcessStream("a", 1)

    private func table(_ sessions: (String, UInt64)...) -> SessionTable {
        var table = SessionTable()
        for (id, viewer) in sessions { table.insert(ViewerSession(id, of: stream, viewer)) }
        return table
    }

    @Test func aSessionIsTakenOnceAndOnlyByItsStream() {
        var table = table(("s", 7))
        #expect(table.take("s", of: "b") == nil)
        #expect(table.open("s", of: "a") != nil && table.open("s", of: "b") == nil)
        #expect(table.take("s", of: "a")?.viewer == 7)
        #expect(table.take("s", of: "a") == nil)
        #expect(table.open("s", of: "a") == nil && table.open(ofViewer: 7, of: "a") == nil)
        #expect(table["s"]?.closing == .requested)
        #expect(table.take("t", of: nil) == nil)
    }

    @Test func aSessionThatIsRemovedIsFoundInNoWay() {
        var table = table(("s", 7), ("t", 8))
        #expect(table.remove(ofViewer: 7, .peer, now: now)?.id == "s")
        #expect(table.remove(ofViewer: 7, .peer, now: now) == nil)
        #expect(table.connect(7) == nil)
        #expect(table["s"] == nil && table.open(ofViewer: 7, of: "a") == nil)
        #expect(table.ids == ["t"] && table.all(of: 1).map(\.id) == ["t"] && table.count(of: 1) == 1)
    }

    @Test func aStreamsSessionsGoTogetherAndOthersStay() {
        var table = table(("s", 7), ("t", 8))
        table.insert(ViewerSession("u", of: ProcessStream("b", 2), 9))
        let removed = (0..<2).map { _ in Set(table.remove(of: 1, .streamStopped, now: now).map(\.id)) }
        #expect(removed == [["s", "t"], []])
        #expect(table.ids == ["u"] && table.count(of: 1) == 0 && table.count(of: 2) == 1)
        #expect(table.open(ofViewer: 7, of: "a") == nil && table.open(ofViewer: 9, of: "b")?.id == "u")
    }

    @Test func aViewerConnectsForTheFirstTimeOnce() {
        var table = table(("s", 7))
        #expect(table.connect(8) == nil)
        #expect(table.connect(7)?.isConnected == false)
        #expect(table.connect(7)?.isConnected == true)
    }

    @Test func onlyOneOfSeveralRestartsGoesAhead() throws {
        var table = table(("s", 7))
        #expect(failure { try table.beginRestart(of: "s", "b", replacing: "") }?.code == .notFound)
        #expect(failure { try table.beginRestart(of: "s", "a", replacing: "old") }?.code == .notActive)
        var ice = try table.beginRestart(of: "s", "a", replacing: "").ice
        #expect(failure { try table.beginRestart(of: "s", "a", replacing: "") }?.code == .notActive)
        ice.entityTag = "new"
        table.endRestart(of: "s", with: ice)
        #expect(failure { try table.beginRestart(of: "s", "a", replacing: "") }?.code == .notActive)
        _ = try table.beginRestart(of: "s", "a", replacing: "new")
        table.endRestart(of: "s", with: nil)
        ice.isRestarting = false
        #expect(table["s"]?.ice == ice)
    }

    @Test func whyASessionEndedIsToldForItsStreamAndFiveMinutes() {
        var table = table(("s", 7), ("t", 8), ("u", 9))
        #expect(table.ending(of: "s", of: "a", now: now) == nil, "it goes on")
        #expect(table.ending(of: "v", of: "a", now: now) == nil, "it never was")
        _ = table.remove(ofViewer: 7, .congestion, now: now)
        #expect(table.ending(of: "s", of: "a", now: now)?.reason == .congestion)
        #expect(table.ending(of: "s", of: "b", now: now) == nil)
        #expect(table.ending(ofViewer: 7, of: "a", now: now)?.reason == .congestion && table.ending(ofViewer: 7, of: "b", now: now) == nil)
        #expect(table.ending(ofViewer: 8, of: "a", now: now) == nil, "it goes on")
        _ = table.take("t", of: "a")
        #expect(table.ending(of: "t", of: "a", now: now)?.reason == .requested, "the engine's event has not come yet")
        #expect(table.ending(of: "t", of: "b", now: now) == nil)
        table.close(of: 1, .streamStopped)
        #expect(table.ending(of: "u", of: "a", now: now)?.reason == .streamStopped)
        _ = table.remove(of: 1, .streamStopped, now: now)
        #expect(table.ending(of: "u", of: "a", now: now + .seconds(299))?.reason == .streamStopped)
        for id in ["s", "t", "u"] { #expect(table.ending(of: id, of: "a", now: now + .seconds(300)) == nil) }
    }

    @Test func aSessionLacksALegThatItAskedForAndThatIsThereNow() {
        var session = ViewerSession("s", of: stream, 7)
        #expect(!session.lacksLeg(of: stream), "it has what it asked for")
        session.missed = [.audio]
        #expect(session.lacksLeg(of: stream))
        session.closing = .requested
        #expect(!session.lacksLeg(of: stream))
    }
}
