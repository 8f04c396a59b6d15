#if Server
import Egress
import Testing

@testable import EgressServer

@Suite struct LegDecisionTests {
    static let ffmpeg = FFmpegAbilities(version: FFmpegVersion(major: 5, minor: 1))
    static let file = StreamInput.Kind.file(loops: false)

    static func video(_ change: (inout MediaProbe.Video) -> Void = { _ in }) -> MediaProbe.Video {
        var video = MediaProbe.Video(
            index: 0, codec: "h264", pixelFormat: "yuv420p", width: 1280, height: 720, hasBFrames: false, framesPerSecond: 25,
            gop: .seconds(2))
        change(&video)
        return video
    }

    static func decide(
        _ videos: [MediaProbe.Video], audios: [MediaProbe.Audio] = [.init(index: 1, codec: "aac")],
        input: StreamInput.Kind = file, config: WebRTCConfig = WebRTCConfig()
    ) throws -> LegDecision {
        try LegDecision(probe: MediaProbe(videos: videos, audios: audios), input: input, config: config, ffmpeg: ffmpeg)
    }

    @Test func copiesWhatBrowsersCanPlay() throws {
        let decision = try Self.decide([Self.video()])
        #expect(decision.plan == LegPlan(video: .copy(bitstreamFilters: "h264_mp4toannexb")))
        #expect(decision.videoReason == "copying video: H.264, 8-bit 4:2:0, no B-frames, a keyframe at least every 2 s")
        #expect(decision.audioReason == "encoding audio from aac to Opus")
    }

    @Test func copiesWhenTheKeyframeDistanceIsNotKnown() throws {
        let decision = try Self.decide([Self.video { $0.gop = nil }], input: .live)
        #expect(decision.isCopy)
        #expect(decision.videoReason.hasSuffix("keyframe distance not known"))
    }

    @Test func leavesTheConversionOfALoopToItsDemuxer() throws {
        let decision = try Self.decide([Self.video()], input: .file(loops: true))
        #expect(decision.plan == LegPlan(video: .copy(bitstreamFilters: "")))
    }

    @Test(arguments: [StreamInput.Kind.rtsp, .live])
    func repeatsTheParameterSetsOfLiveInputs(kind: StreamInput.Kind) throws {
        let decision = try Self.decide([Self.video()], input: kind)
        #expect(decision.plan == LegPlan(video: .copy(bitstreamFilters: "h264_mp4toannexb,dump_extra=freq=keyframe")))
    }

    struct Objection: CustomTestStringConvertible, Sendable {
        var video: MediaProbe.Video
        var forces = false
        var reason: String
        var testDescription: String { reason }
    }

    @Test(arguments: [
        Objection(video: video { $0.codec = "hevc" }, reason: "it is hevc, not H.264"),
        Objection(video: video { $0.pixelFormat = "yuv420p10le" }, reason: "it is yuv420p10le, not 8-bit 4:2:0"),
        Objection(video: video { $0.pixelFormat = "yuv422p" }, reason: "it is yuv422p, not 8-bit 4:2:0"),
        Objection(video: video { $0.hasBFrames = true }, reason: "it has B-frames, which WebRTC cannot reorder"),
        Objection(video: video { $0.gop = .milliseconds(2_100) }, reason: "a keyframe comes only every 2.1 s, and 2 s is the most"),
        Objection(video: video(), forces: true, reason: "force_transcode is set"),
        Objection(video: video { $0.rotation = 90 }, reason: "it has to be rotated by 90°, which browsers can't be told"),
        Objection(
            video: video { $0.hasOtherKeyframes = true },
            reason: "some of its keyframes are not IDR pictures, and a viewer that joins can't begin with those"),
    ])
    func encodesWhatBrowsersCannotPlay(_ objection: Objection) throws {
        let decision = try Self.decide([objection.video], config: WebRTCConfig(forceTranscode: objection.forces))
        let plan = LegPlan(video: .transcode(framesPerSecond: 25), width: 1280, height: 720, options: ["-fps_mode", "vfr"])
        #expect(decision.plan == plan)
        #expect(decision.videoReason == "encoding video: \(objection.reason)")
        #expect(!decision.isCopy)
    }

    @Test(arguments: ["tt", "bb", "tb", "bt"]) func encodesInterlacedVideoWithoutItsFields(order: String) throws {
        let decision = try Self.decide([Self.video { $0.fieldOrder = order }])
        #expect(decision.videoReason == "encoding video: it is interlaced, and browsers would show its two fields as a comb")
        #expect(decision.plan?.options == ["-fps_mode", "vfr", "-vf", "yadif=deint=interlaced"])
        #expect(try Self.decide([Self.video { $0.fieldOrder = "progressive" }]).isCopy)
    }

    @Test func encodesWhatHasNoParameterSets() throws {
        let decision = try Self.decide([
            Self.video {
                $0.pixelFormat = nil
                $0.width = nil
            }
        ])
        #expect(decision.videoReason == "encoding video: its parameter sets are neither in its header nor in its first pictures")
    }

    @Test func namesTheOptionsAsThisFFmpegDoes() throws {
        let old = FFmpegAbilities(version: FFmpegVersion(major: 4, minor: 4))
        let probe = MediaProbe(videos: [Self.video { $0.codec = "vp8" }], audios: [])
        let decision = try LegDecision(probe: probe, input: Self.file, config: WebRTCConfig(), ffmpeg: old)
        #expect(decision.plan?.options == ["-vsync", "vfr"])
        #expect(try decision.transcoding(because: "a").plan?.options == ["-vsync", "vfr"])
    }

    @Test func acceptsFullRange420() throws {
        #expect(try Self.decide([Self.video { $0.pixelFormat = "yuvj420p" }]).isCopy)
    }

    @Test func leavesOutTheLegsThatTheInputHasNoStreamFor() throws {
        let silent = try Self.decide([Self.video()], audios: [])
        #expect(silent.config.audioMap == "none")
        #expect(silent.audioReason == "no audio leg: the input has no audio")
        let radio = try Self.decide([])
        #expect(radio.config.videoMap == "none")
        #expect(radio.plan == nil)
        #expect(radio.videoReason == "no video leg: the input has no video")
    }

    @Test func leavesOutTheLegsThatTheOperatorDoesNotWant() throws {
        let decision = try Self.decide([Self.video()], config: WebRTCConfig(audioMap: "none"))
        #expect(!decision.config.hasAudio)
        #expect(decision.audioReason == "no audio leg: audio_map says so")
    }

    @Test func refusesAnInputWithNothingToSend() {
        #expect(throws: LegDecision.Impossible.nothingToSend) { try Self.decide([], audios: []) }
    }

    @Test(arguments: [("", true), ("0:v:0", true), ("0:v:1", false), ("0:v:1?", false), ("0:0", true), ("0:5", false)])
    func looksAtTheStreamThatTheMapTakes(map: String, isCopy: Bool) throws {
        let second = Self.video {
            $0.index = 5
            $0.codec = "vp9"
        }
        #expect(try Self.decide([Self.video(), second], config: WebRTCConfig(videoMap: map)).isCopy == isCopy)
    }

    @Test func encodesOnceBFramesHaveTurnedUp() throws {
        let decision = try Self.decide([Self.video()]).transcoding(because: "reason")
        #expect(!decision.isCopy)
        #expect(decision.videoReason == "encoding video: reason")
        #expect(decision.config == WebRTCConfig())
    }
}
#endif
