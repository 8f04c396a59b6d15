#if Server
import Testing

@testable import EgressServer

@Suite struct MediaProbeTests {
    static let streams = """
        {"streams": [
          {"index": 0, "codec_name": "mjpeg", "codec_type": "video", "disposition": {"attached_pic": 1}},
          {"index": 1, "codec_name": "h264", "codec_type": "video", "pix_fmt": "yuv420p", "width": 640, "height": 360, "has_b_frames": 0,
           "avg_frame_rate": "30000/1001", "r_frame_rate": "30/1", "disposition": {"attached_pic": 0}},
          {"index": 2, "codec_name": "aac", "codec_type": "audio", "avg_frame_rate": "0/0"},
          {"index": 3, "codec_type": "data"}
        ]}
        """

    static func packets(_ packets: [(time: String, isKey: Bool)]) -> String {
        let list = packets.map { #"{"pts_time": "\#($0.time)", "flags": "\#($0.isKey ? "K_" : "__")"}"# }
        return #"{"packets": [\#(list.joined(separator: ","))]}"#
    }

    @Test(arguments: [
        (#"{"format_name": "mov,mp4", "duration": "60.033333"}"#, Duration.milliseconds(60_033.333)), (#"{"format_name": "hls"}"#, nil),
        (#"{"duration": "N/A"}"#, nil), (#"{"duration": "0.000000"}"#, nil), (#"{"duration": "nan"}"#, nil),
        (#"{"duration": "1e30"}"#, nil),
        (#"{"duration": "-9223372036854.775808"}"#, nil),
    ])
    func knowsHowLongAnInputIs(format: String, duration: Duration?) throws {
        let probe = try MediaProbe(streamsJSON: #"{"streams": [], "format": \#(format)}"#)
        #expect(probe.duration.map { ($0 / .milliseconds(1)).rounded() } == duration.map { ($0 / .milliseconds(1)).rounded() })
        #expect(probe.isSegmented == format.contains("hls"))
    }

    @Test func readsVideoAndAudioAndPassesOverCoversAndData() throws {
        let probe = try MediaProbe(streamsJSON: Self.streams)
        #expect(
            probe.videos == [
                .init(
                    index: 1, codec: "h264", pixelFormat: "yuv420p", width: 640, height: 360, hasBFrames: false,
                    framesPerSecond: 30_000.0 / 1_001)
            ])
        #expect(probe.audios == [.init(index: 2, codec: "aac")])
    }

    @Test func takesTheOtherRateWhenTheAverageIsNotKnown() throws {
        let json = #"{"streams": [{"index": 0, "codec_type": "video", "avg_frame_rate": "0/0", "r_frame_rate": "25/1"}]}"#
        #expect(try MediaProbe(streamsJSON: json).videos.first?.framesPerSecond == 25)
    }

    /// As a browser's recording has it.
    @Test(arguments: ["1000/1", "90000/1", "0/0", "121/1"]) func aRateThatNobodyHasIsMeasured(rate: String) throws {
        let json =
            #"{"streams": [{"index": 0, "codec_type": "video", "codec_name": "vp8", "avg_frame_rate": "0/0", "r_frame_rate": "\#(rate)"}]}"#
        var probe = try MediaProbe(streamsJSON: json)
        #expect(probe.videos[0].framesPerSecond == nil)
        #expect(probe.videos[0].needsMeasuring)
        let times = (0...60).map { (time: "\(Double($0) / 30 + ($0 % 2 == 0 ? 0 : 0.004))", isKey: $0 == 0) }
        try probe.measure(packetsJSON: Self.packets(times), ofVideoAt: 0)
        #expect(probe.videos[0].framesPerSecond == 30)
    }

    @Test(arguments: [
        (#""side_data_list": [{"rotation": -90}]"#, 270), (#""side_data_list": [{}, {"rotation": 180.0}]"#, 180),
        (#""tags": {"rotate": "90"}"#, 90), (#""side_data_list": [{"rotation": 1e300}]"#, Int.max % 360),
        (#""side_data_list": [{"rotation": 0}]"#, 0), (#""tags": {}"#, 0),
    ])
    func readsByHowMuchAPictureIsTurned(json: String, rotation: Int) throws {
        let probe = try MediaProbe(streamsJSON: #"{"streams": [{"index": 0, "codec_type": "video", \#(json)}]}"#)
        #expect(probe.videos[0].rotation == rotation)
    }

    @Test func takesOnlyIDRPicturesForKeyframes() throws {
        var probe = try MediaProbe(streamsJSON: Self.streams)
        let times = (0...60).map { (time: "\(Double($0) / 10)", isKey: $0 % 10 == 0) }
        let idrs = ["#tb 0: 1/1000", "#media_type 0: video"]
        try probe.measure(packetsJSON: Self.packets(times), idrs: idrs + (0...6).map { "0, 0, \($0 * 1000), 33, 8222, 0x1" }, ofVideoAt: 0)
        #expect(!probe.videos[0].hasOtherKeyframes)
        #expect(probe.videos[0].gop == .seconds(1))
        try probe.measure(
            packetsJSON: Self.packets(times), idrs: idrs + ["0,        -67,          0,       33,     8222, 0x1"], ofVideoAt: 0)
        #expect(probe.videos[0].hasOtherKeyframes)
        #expect(probe.videos[0].gop == .seconds(6))
    }

    @Test func refusesWhatIsNotJSON() {
        #expect(throws: (any Error).self) { try MediaProbe(streamsJSON: "Invalid data found") }
    }

    @Test func measuresTheLongestDistanceBetweenKeyframes() throws {
        var probe = try MediaProbe(streamsJSON: Self.streams)
        let times = [("0.0", true), ("0.5", false), ("1.0", true), ("2.0", false), ("3.5", true), ("4.0", false)]
        try probe.measure(packetsJSON: Self.packets(times), ofVideoAt: 0)
        #expect(probe.videos[0].gop == .seconds(2.5))
        #expect(!probe.videos[0].hasBFrames)
    }

    @Test func countsTheGroupThatDoesNotEnd() throws {
        var probe = try MediaProbe(streamsJSON: Self.streams)
        try probe.measure(packetsJSON: Self.packets([("0.0", true), ("5.0", false), ("10.0", false)]), ofVideoAt: 0)
        #expect(probe.videos[0].gop == .seconds(10))
    }

    @Test func findsBFramesInTimesThatStepBack() throws {
        var probe = try MediaProbe(streamsJSON: Self.streams)
        try probe.measure(packetsJSON: Self.packets([("0.0", true), ("0.12", false), ("0.04", false)]), ofVideoAt: 0)
        #expect(probe.videos[0].hasBFrames)
    }

    @Test func knowsNoDistanceWithoutAKeyframe() throws {
        var probe = try MediaProbe(streamsJSON: Self.streams)
        try probe.measure(packetsJSON: #"{"packets": [{"flags": "__"}]}"#, ofVideoAt: 0)
        #expect(probe.videos[0].gop == nil)
    }
}
#endif
