#if Server
import Egress
import Foundation
import HTTPTypes
import Testing

@testable import EgressServer

/// A number that somebody else wrote ends no server, whichever door it comes through.
@Suite struct OutsideNumbersTests {
    static let nasty = [
        "1152921504606846976", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e30", "-1e30", "1e308", "1e999",
        "inf",
        "-inf", "nan", "infinity", "0x1p1023", "5e-324", "99999999999999999999999999999999999999", "", "-", "N/A",
    ]

    /// As ffprobe prints it for a file whose second cluster stands at 2^60 s.
    @Test(arguments: nasty) func timesOfPackets(number: String) throws {
        var probe = try MediaProbe(streamsJSON: MediaProbeTests.streams)
        let times = [("0.0", true), (number, true), ("0.04", false), (number, false)]
        try probe.measure(packetsJSON: MediaProbeTests.packets(times), ofVideoAt: 0)
        let decision = try LegDecision(probe: probe, input: .file(loops: true), config: WebRTCConfig())
        #expect(!decision.videoReason.isEmpty)
        _ = FFmpegArguments.build(try decision.config.normalized(), videoPort: 40_000, plan: decision.plan)
    }

    @Test func aKeyframeInEternityIsNoReasonToCopy() throws {
        var probe = try MediaProbe(streamsJSON: MediaProbeTests.streams)
        try probe.measure(packetsJSON: MediaProbeTests.packets([("0", true), ("1152921504606846976", true)]), ofVideoAt: 0)
        #expect(try !LegDecision(probe: probe, input: .file(loops: true), config: WebRTCConfig()).isCopy)
    }

    @Test(arguments: nasty) func ratesAndDurationsOfStreams(number: String) throws {
        let json = """
            {"streams": [{"index": 0, "codec_type": "video", "codec_name": "vp8", "width": 9223372036854775807, "height": 9223372036854775807,
              "avg_frame_rate": "\(number)/1", "r_frame_rate": "1/\(number)"}], "format": {"duration": "\(number)"}}
            """
        let probe = try MediaProbe(streamsJSON: json)
        let decision = try LegDecision(probe: probe, input: .live, config: WebRTCConfig())
        _ = FFmpegArguments.build(try decision.config.normalized(), videoPort: 40_000, plan: decision.plan)
    }

    @Test(arguments: nasty) func progress(number: String) throws {
        var parser = FFmpegProgressParser()
        for key in ["frame", "fps", "out_time_us", "drop_frames", "dup_frames", "speed"] { _ = parser.parse(line: "\(key)=\(number)x") }
        for key in ["frame", "fps", "out_time_us", "drop_frames", "dup_frames"] { _ = parser.parse(line: "\(key)=\(number)") }
        let end = parser.parse(line: "progress=continue")
        let report = try #require(end)
        var pace = PaceMonitor()
        let now = ContinuousClock.now
        for (second, position) in [Duration.zero, report.position ?? .zero, .seconds(1), report.position ?? .zero].enumerated() {
            _ = pace.slowPace(
                position: position, now: now + .seconds(second * 20), load: MachineLoad(busy: Double(second), total: Double(second)))
        }
        var status = SupervisionStatus()
        status.speed = report.speed
        #expect(ServerResponse.json(status).head.status == .ok)
    }

    @Test func aSpeedOfInfinityIsNone() {
        var parser = FFmpegProgressParser()
        _ = parser.parse(line: "speed=infx")
        let report = parser.parse(line: "progress=continue")
        #expect(report != nil && report?.speed == nil)
    }

    @Test(arguments: [Double.infinity, -.infinity, .nan]) func anAnswerIsJSONWhateverItHolds(number: Double) {
        #expect(ServerResponse.json(["speed": number]).head.status == .ok)
    }

    @Test(arguments: nasty) func configurationAndRequests(number: String) {
        for text in [
            #"{"drain": {"seconds": \#(number)}}"#, #"{"egress": {"source_grace_seconds": \#(number), "udp_port": \#(number)}}"#,
            #"{"egress": {"limits": {"handshake_seconds": \#(number), "joins": {"per_second": \#(number), "burst": \#(number)}}}}"#,
            #"{"auth": {"hook": {"url": "http://h", "timeout_seconds": \#(number), "cache_seconds": \#(number)}}}"#,
            #"{"streams": {"a": {"input": "a", "stale_timeout_seconds": \#(number), "webrtc": {"video_payload_type": \#(number)}}}}"#,
            #"{"egress": {"ice_servers": [{"urls": "turn:a", "secret": "b", "lifetime_seconds": \#(number)}]}}"#,
        ] {
            _ = try? ServerConfiguration(file: (name: "a", bytes: Array(text.utf8)), flags: ServerFlags())
        }
        #expect(
            URLQuery("/?ban_seconds=\(number)", known: ["ban_seconds"])?.integer("ban_seconds", within: 0...9, else: 0) == nil
                || number == "")
        #expect(AddressRange("10.0.0.0/\(number)") == nil)
        #expect(HTTPAddress("a:\(number)") == nil)
    }
}
#endif
