import Logging
import Testing

@testable import Egress

@Suite struct EventLogTests {
    static func switched(_ viewer: UInt64, of stream: String = "cam", to encoding: Int?, _ reason: SwitchReason) -> EventLog.Entry {
        let rung = encoding.map { Encoding(rid: "rung\($0)") }
        return EventLog.Entry(
            event: .viewerSwitched(viewer: viewer, stream: 1, encoding: encoding, reason: reason), stream: stream, session: nil,
            encoding: rung)
    }

    /// Of what was recorded in that order, without what else the log has.
    static func lines(of entries: [EventLog.Entry]) async -> [LogLine] {
        let recorder = LogRecorder()
        let log = EventLog()
        let threads = WaitingThreads(count: 1)
        let (done, end) = AsyncStream.makeStream(of: Void.self)
        log.start(on: threads, logger: recorder.logger, udpPort: 1) { _ in end.yield() }
        for entry in entries { log.record(entry) }
        var count = 0
        for await _ in done {
            count += 1
            if count == entries.count { break }
        }
        log.finish()
        return recorder.lines
    }

    @Test func switchesAreForWhoeverLooksClosely() async {
        let lines = await Self.lines(of: [Self.switched(0xA, to: 1, .congestion), Self.switched(0xA, to: 0, .room)])
        #expect(lines.map(\.level) == [.debug, .debug])
        #expect(lines.map(\.message).allSatisfy { $0.hasPrefix("Viewer switched to \"rung") })
        #expect(lines.map { $0.metadata["reason"] } == ["congestion", "room"])
    }

    @Test func soundAloneIsSaidOncePerStreamAndMinuteWithWhatHelps() async {
        let lines = await Self.lines(
            of: (1...3).map { Self.switched($0, to: nil, .congestion) } + [Self.switched(4, of: "yard", to: nil, .congestion)])
        #expect(lines.map(\.level) == [.info, .debug, .debug, .info])
        #expect(
            lines.allSatisfy { $0.message.hasPrefix("Viewer has sound alone for now: ") && $0.message.hasSuffix("of a lower bit rate") })
        #expect(lines.map { $0.metadata["id"] } == ["cam", "cam", "cam", "yard"])
    }
}
