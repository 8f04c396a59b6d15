import Testing

@testable import Egress

@Suite struct FFmpegArgumentsTests {
    static func build(_ config: WebRTCConfig, _ plan: LegPlan? = nil) throws -> String {
        FFmpegArguments.build(try config.normalized(), videoPort: 5_000, plan: plan, startTime: 1_700_000_000_000_001).joined(
            separator: " ")
    }

    static func output(_ payloadType: Int, _ port: Int) -> String {
        "-payload_type \(payloadType) -start_time_realtime 1700000000000001 -rtpflags send_bye -f rtp udp://127.0.0.1:\(port)?pkt_size=1160"
    }

    static let audio =
        "-map 0:a:0 -c:a libopus -ar 48000 -ac 2 -b:a 96k -application lowdelay -frame_duration 20 " + output(111, 5_001)
    static let x264 = "-map 0:v:0 -c:v libx264 -preset veryfast -tune zerolatency -profile:v baseline -pix_fmt yuv420p -bf 0"

    static let byTime = "-force_key_frames expr:isnan(prev_forced_t)+gte(t,prev_forced_t+2)"

    @Test func aPlansOptionsStandInItsVideoLegWhenItIsEncoded() throws {
        let plan = LegPlan(video: .transcode(framesPerSecond: nil), options: ["-fps_mode", "vfr"])
        #expect(try Self.build(WebRTCConfig(), plan).hasPrefix("-map 0:v:0 -fps_mode vfr -c:v libx264"))
    }

    @Test func videoIsCopiedWithParameterSetsAtEachIDR() throws {
        #expect(try Self.build(WebRTCConfig()) == "-map 0:v:0 -c:v copy -bsf:v h264_mp4toannexb \(Self.output(102, 5_000)) \(Self.audio)")
    }

    @Test func theConfigsMapsAndPayloadTypesAreUsed() throws {
        let config = WebRTCConfig(videoPayloadType: 96, audioPayloadType: 97, videoMap: "0:2", audioMap: "1:a:1")
        let plan = LegPlan(video: .copy(bitstreamFilters: "h264_mp4toannexb,dump_extra=freq=keyframe"))
        #expect(
            try Self.build(config, plan) == "-map 0:2 -c:v copy -bsf:v h264_mp4toannexb,dump_extra=freq=keyframe \(Self.output(96, 5_000)) "
                + "-map 1:a:1 -c:a libopus -ar 48000 -ac 2 -b:a 96k -application lowdelay -frame_duration 20 \(Self.output(97, 5_001))")
    }

    @Test func aPlanWithoutFiltersHasNone() throws {
        let text = try Self.build(WebRTCConfig(audioMap: "none"), LegPlan(video: .copy(bitstreamFilters: "")))
        #expect(text == "-map 0:v:0 -c:v copy \(Self.output(102, 5_000))")
    }

    @Test func forcedTranscodingWithoutAKnownRateCountsKeyframesByTime() throws {
        let expected = "\(Self.x264) \(Self.byTime) -sc_threshold 0 \(Self.output(102, 5_000)) \(Self.audio)"
        #expect(try Self.build(WebRTCConfig(forceTranscode: true)) == expected)
        #expect(try Self.build(WebRTCConfig(forceTranscode: true), .copy) == expected)
    }

    @Test(arguments: [(25.0, "50"), (29.97, "60"), (59.94, "120"), (0.2, "1")])
    func aKnownRateGivesAGOPOfTwoSeconds(rate: Double, gop: String) throws {
        let plan = LegPlan(video: .transcode(framesPerSecond: rate), singleSlice: true)
        #expect(
            try Self.build(WebRTCConfig(audioMap: "none"), plan)
                == "\(Self.x264) -g \(gop) \(Self.byTime) -sc_threshold 0 -x264-params sliced-threads=0:threads=1 \(Self.output(102, 5_000))"
        )
    }

    @Test(arguments: [0, -1, Double.nan, .infinity, 1e300]) func aRateThatIsNoneIsUnknown(rate: Double) throws {
        #expect(try Self.build(WebRTCConfig(), LegPlan(video: .transcode(framesPerSecond: rate))).contains(" -bf 0 \(Self.byTime)"))
    }

    @Test func noneLeavesALegOut() throws {
        #expect(try Self.build(WebRTCConfig(videoMap: "none")) == Self.audio)
        #expect(try !Self.build(WebRTCConfig(audioMap: "none")).contains("libopus"))
    }

    @Test func bothLegsSayTheSameStartTimeWhateverTheClockDoes() throws {
        let arguments = FFmpegArguments.build(try WebRTCConfig().normalized(), videoPort: 5_000)
        let times = arguments.indices.filter { arguments[$0] == "-start_time_realtime" }.map { arguments[$0 + 1] }
        #expect(times.count == 2)
        #expect(times.first == times.last)
        #expect(try #require(Int64(times[0])) > 1_700_000_000_000_000)
    }

    static let splits: [(arguments: [String], legs: [ConfigIO])] = [
        ([], [ConfigIO()]),
        (["udp://a"], [ConfigIO(id: "webrtc", address: "udp://a")]),
        (["-map", "0:v", "udp://a"], [ConfigIO(id: "webrtc", address: "udp://a", options: ["-map", "0:v"])]),
        (
            ["-map", "0:v", "udp://a", "-map", "0:a", "-b:a", "96k", "udp://b"],
            [
                ConfigIO(id: "webrtc", address: "udp://a", options: ["-map", "0:v"]),
                ConfigIO(id: "webrtc", address: "udp://b", options: ["-map", "0:a", "-b:a", "96k"]),
            ]
        ),
        (
            ["-re", "-map", "0:v", "udp://a", "-map", "udp://b"],
            [
                ConfigIO(id: "webrtc", address: "udp://a", options: ["-re", "-map", "0:v"]),
                ConfigIO(id: "webrtc", address: "udp://b", options: ["-map"]),
            ]
        ),
        (
            ["-map", "1", "a", "-map", "2", "b", "-map", "3", "c"],
            [ConfigIO(id: "webrtc", address: "c", options: ["-map", "1", "a", "-map", "2", "b", "-map", "3"])]
        ),
        (["-map", "-map"], [ConfigIO(id: "webrtc", address: "-map"), ConfigIO(id: "webrtc", address: "-map")]),
    ]

    @Test(arguments: splits.indices) func legsSplitAtTheSecondMapAndNothingIsLost(row: Int) {
        let (arguments, legs) = Self.splits[row]
        #expect(FFmpegArguments.splitLegs(arguments) == legs)
        #expect(legs.flatMap { $0.options + ($0.address.isEmpty ? [] : [$0.address]) } == arguments)
    }
}
