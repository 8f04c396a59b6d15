#if Server
import Testing

@testable import Egress
@testable import EgressServer

@Suite struct MetricsTests {
    @Test func writesHelpTypeAndSamples() {
        var text = PrometheusText()
        text.family("a_total", .counter, "All of them.", 3)
        text.family("b", .gauge, "Some.", [.init(labels: [("x", "1"), ("y", "2")], value: 0.5), .init(value: 2)])
        #expect(
            text.text == """
                # HELP a_total All of them.
                # TYPE a_total counter
                a_total 3
                # HELP b Some.
                # TYPE b gauge
                b{x="1",y="2"} 0.5
                b 2

                """)
    }

    @Test func escapesLabelsAndHelp() {
        var text = PrometheusText()
        text.family("a", .gauge, "one\ntwo \\", [.init(labels: [("id", "q\"b\\n\nl")], value: 1)])
        #expect(text.text == "# HELP a one\\ntwo \\\\\n# TYPE a gauge\na{id=\"q\\\"b\\\\n\\nl\"} 1\n")
    }

    @Test func leavesOutFamiliesWithoutSamples() {
        var text = PrometheusText()
        text.family("a", .gauge, "None.", [])
        #expect(text.text.isEmpty)
    }

    @Test func writesWhatTheEngineCounts() {
        var statistics = EngineStatistics()
        statistics.viewers = 4
        statistics.packetsSent = 10_000_000_000
        statistics.threadMicroseconds = 1_500_000
        statistics.closed = ["peer": 2, "no_check": 1]
        statistics.dropped = ["source_late": 5]
        statistics.probesBegun = 7
        statistics.probesFailed = 3
        statistics.probePacketsSent = 210
        var stream = StreamStatistics()
        stream.video.bitRate = 2_500_000
        stream.gopMilliseconds = 2_002
        stream.switchesUp = 8
        stream.switchesDown = 9
        stream.pausedSeconds = 12.25
        var status = StreamStatus(
            id: "cam \"1\"", videoPort: 1, audioPort: 2, hasVideo: true, hasAudio: false, state: .active, viewers: 3, viewersConnected: 2,
            format: nil, hasBFrames: true, outputs: [], statistics: stream)
        status.encodings = [("720p", 2), ("360p", 1)].map { rid, viewers in
            EncodingStatus(
                rid: rid, codec: .h264, port: 1, isActive: true, format: nil, hasBFrames: false, hasOtherCodec: false, bitRate: 1,
                gopMilliseconds: 2_000, viewers: viewers)
        }
        var whep = WHEPStatistics()
        whep.refused = ["joins": 3]
        whep.viewersConnecting = 6
        whep.isDraining = true
        let text = Metrics.text(statistics: statistics, info: EngineInfo(), streams: [status], whep: whep)
        let lines = text.split(separator: "\n")
        let expected = [
            "egress_viewers 4", "egress_sent_packets_total 10000000000", "egress_thread_cpu_seconds_total 1.5",
            #"egress_viewers_closed_total{reason="no_check"} 1"#, #"egress_viewers_closed_total{reason="peer"} 2"#,
            #"egress_refused_total{limit="joins"} 3"#, "egress_viewers_connecting 6", "egress_draining 1",
            #"egress_dropped_total{reason="source_late"} 5"#, #"egress_stream_active{stream="cam \"1\""} 1"#,
            #"egress_stream_bframes{stream="cam \"1\""} 1"#, #"egress_stream_gop_seconds{stream="cam \"1\""} 2.002"#,
            #"egress_stream_source_bit_rate{stream="cam \"1\"",kind="video"} 2500000"#, "egress_probes_begun_total 7",
            "egress_probes_failed_total 3", "egress_probe_packets_sent_total 210",
            #"egress_stream_rendition_viewers{stream="cam \"1\"",rid="720p"} 2"#,
            #"egress_stream_rendition_viewers{stream="cam \"1\"",rid="360p"} 1"#,
            #"egress_stream_switches_total{stream="cam \"1\"",direction="up"} 8"#,
            #"egress_stream_switches_total{stream="cam \"1\"",direction="down"} 9"#,
            #"egress_stream_paused_seconds_total{stream="cam \"1\""} 12.25"#,
        ]
        for line in expected { #expect(lines.contains { $0 == line }, "\(line)") }
        #expect(!lines.contains { $0.contains(#"kind="audio""#) })
    }

    @Test func namesEveryFamilyOnce() {
        let lines = Metrics.text(statistics: EngineStatistics(), info: EngineInfo(), streams: []).split(separator: "\n")
        let names = lines.filter { $0.hasPrefix("# TYPE") }.map { $0.split(separator: " ")[2] }
        #expect(Set(names).count == names.count)
    }
}
#endif
