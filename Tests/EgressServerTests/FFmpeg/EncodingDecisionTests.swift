#if Server
import Egress
import Testing

@testable import EgressServer

/// A stream's list of encodings, and what becomes of each.
@Suite struct EncodingDecisionTests {
    static let ffmpeg = FFmpegAbilities(version: FFmpegVersion(major: 8, minor: 0))
    static let old = FFmpegAbilities(version: FFmpegVersion(major: 5, minor: 1))

    static func video(
        _ codec: String, _ profile: String? = nil, _ change: (inout MediaProbe.Video) -> Void = { _ in }
    ) -> MediaProbe.Video {
        LegDecisionTests.video {
            $0.codec = codec
            $0.profile = profile
            change(&$0)
        }
    }

    static func decide(
        _ video: MediaProbe.Video?, _ encodings: [Encoding], input: StreamInput.Kind = .file(loops: false),
        _ ffmpeg: FFmpegAbilities = ffmpeg
    ) throws -> LegDecision {
        let probe = MediaProbe(videos: video.map { [$0] } ?? [], audios: [.init(index: 1, codec: "aac")])
        return try LegDecision(probe: probe, input: input, config: WebRTCConfig(encodings: encodings), ffmpeg: ffmpeg)
    }

    static func automatic(_ video: MediaProbe.Video?, _ ffmpeg: FFmpegAbilities = ffmpeg) throws -> LegDecision {
        let probe = MediaProbe(videos: video.map { [$0] } ?? [], audios: [.init(index: 1, codec: "aac")])
        return try LegDecision(probe: probe, input: .live, config: WebRTCConfig(), automatic: .auto, ffmpeg: ffmpeg)
    }

    // MARK: Each codec

    struct Copied: CustomTestStringConvertible, Sendable {
        var codec: VideoCodec
        var video: MediaProbe.Video
        var input = StreamInput.Kind.file(loops: false)
        var filters: String
        var praise: String
        var testDescription: String { "\(praise) \(input)" }
    }

    @Test(arguments: [
        Copied(
            codec: .h264, video: video("h264", "High"), filters: "h264_mp4toannexb",
            praise: "H.264, 8-bit 4:2:0, no B-frames, a keyframe at least every 2 s"),
        Copied(
            codec: .h265, video: video("hevc", "Main"), filters: "hevc_mp4toannexb",
            praise: "H.265, Main, no B-frames, a keyframe at least every 2 s"),
        // Its sets are not written by the demuxer that loops.
        Copied(
            codec: .h265, video: video("hevc", "Main 10") { $0.pixelFormat = "yuv420p10le" }, input: .file(loops: true),
            filters: "hevc_mp4toannexb", praise: "H.265, Main 10, no B-frames, a keyframe at least every 2 s"),
        Copied(
            codec: .h265, video: video("hevc") { $0.gop = nil }, input: .rtsp, filters: "hevc_mp4toannexb,dump_extra=freq=keyframe",
            praise: "H.265, profile not known, no B-frames, keyframe distance not known"),
        Copied(codec: .vp8, video: video("vp8", "0"), input: .live, filters: "", praise: "VP8, a keyframe at least every 2 s"),
        Copied(codec: .vp9, video: video("vp9", "Profile 0"), filters: "", praise: "VP9, Profile 0, a keyframe at least every 2 s"),
        Copied(
            codec: .vp9, video: video("vp9", "Profile 2") { $0.pixelFormat = "yuv420p10le" }, filters: "",
            praise: "VP9, Profile 2, a keyframe at least every 2 s"),
        Copied(codec: .av1, video: video("av1", "Main"), filters: "", praise: "AV1, Main, a keyframe at least every 2 s"),
    ])
    func copiesWhatBrowsersPlay(example: Copied) throws {
        let decision = try Self.decide(example.video, [Encoding(rid: "a", codec: example.codec, copiesOnly: true)], input: example.input)
        #expect(decision.plan == LegPlan(video: .copy(bitstreamFilters: example.filters)))
        #expect(decision.videoReason == "copying video for a: \(example.praise)")
        #expect(decision.isCopy && decision.copiesThroughFilter == !example.filters.isEmpty)
    }

    struct Encoded: CustomTestStringConvertible, Sendable {
        var encoding: Encoding
        var video: MediaProbe.Video
        var objection: String
        var testDescription: String { objection }
    }

    static let flawed = [
        Encoded(encoding: Encoding(codec: .h265), video: video("h264"), objection: "it is h264, not H.265"),
        Encoded(encoding: Encoding(codec: .vp8), video: video("mpeg2video"), objection: "it is mpeg2video, not VP8"),
        Encoded(
            encoding: Encoding(codec: .h265), video: video("hevc", "Rext"),
            objection: "its profile is Rext, and browsers play Main and Main 10"),
        Encoded(
            encoding: Encoding(codec: .h265), video: video("hevc") { $0.pixelFormat = "yuv422p10le" },
            objection: "it is yuv422p10le, not 4:2:0 of 8 or 10 bits"),
        Encoded(
            encoding: Encoding(codec: .h265), video: video("hevc", "Main") { $0.hasBFrames = true },
            objection: "it has B-frames, which WebRTC cannot reorder"),
        Encoded(
            encoding: Encoding(codec: .h265), video: video("hevc", "Main") { $0.hasOtherKeyframes = true },
            objection: "some of its keyframes are not random access pictures, and a viewer that joins can't begin with those"),
        Encoded(
            encoding: Encoding(codec: .vp8), video: video("vp8") { $0.pixelFormat = "yuva420p" },
            objection: "it is yuva420p, not 8-bit 4:2:0"),
        Encoded(
            encoding: Encoding(codec: .vp9), video: video("vp9", "Profile 1"),
            objection: "its profile is Profile 1, and browsers play Profile 0 and Profile 2"),
        Encoded(
            encoding: Encoding(codec: .vp9), video: video("vp9", "Profile 2") { $0.pixelFormat = "yuv420p12le" },
            objection: "it is yuv420p12le, not 4:2:0 of 8 or 10 bits"),
        Encoded(encoding: Encoding(codec: .av1), video: video("av1", "High"), objection: "its profile is High, and browsers play Main"),
        Encoded(
            encoding: Encoding(codec: .vp9), video: video("vp9", "Profile 0") { $0.gop = .seconds(4) },
            objection: "a keyframe comes only every 4 s, and 2 s is the most"),
        Encoded(
            encoding: Encoding(codec: .av1), video: video("av1", "Main") { $0.rotation = 90 },
            objection: "it has to be rotated by 90°, which browsers can't be told"),
    ]

    @Test(arguments: flawed) func encodesWhatTheyDoNot(example: Encoded) throws {
        let decision = try Self.decide(example.video, [example.encoding])
        #expect(decision.plan?.video == .transcode(framesPerSecond: 25))
        #expect(decision.encodings.map(\.reason) == [example.objection])
    }

    @Test(arguments: flawed) func whatIsOnlyToBeCopiedIsThenAnError(example: Encoded) throws {
        var encoding = example.encoding
        encoding.rid = "b"
        encoding.copiesOnly = true
        let encodings = [Encoding(rid: "a", codec: .vp8), encoding]
        let error = #expect(throws: LegDecision.Impossible.self) { try Self.decide(example.video, encodings) }
        #expect(error?.field == "encodings[1].copy")
        let beginning = "the input's video, \(example.video.codec), cannot be copied: \(example.objection); "
        #expect(error?.problem == beginning + "leave \"copy\" out to have it encoded")
    }

    @Test(arguments: [
        (Encoding(height: 360), "height"), (Encoding(frameRate: 10), "frame_rate"), (Encoding(bitRate: 500_000), "bit_rate"),
        (Encoding(gopMilliseconds: 1_000), "gop_ms"),
    ])
    func encodesWhatAsksForAnEncoder(encoding: Encoding, field: String) throws {
        #expect(try Self.decide(Self.video("h264"), [encoding]).encodings.map(\.reason) == ["its \(field) is set"])
    }

    // MARK: Lists

    @Test func decidesForEachOfAList() throws {
        let encodings = [Encoding(rid: "main"), Encoding(rid: "vp8", codec: .vp8), Encoding(rid: "small", height: 180)]
        let decision = try Self.decide(Self.video("h264"), encodings)
        let encode = LegPlan.Encoding(video: .transcode(framesPerSecond: 25), width: 1280, height: 720, options: ["-fps_mode", "vfr"])
        #expect(decision.plan == LegPlan(first: .copy, further: ["vp8": encode, "small": encode]))
        #expect(
            decision.reasons == [
                "copying video for main: H.264, 8-bit 4:2:0, no B-frames, a keyframe at least every 2 s",
                "encoding video to VP8 for vp8: it is h264, not VP8",
                "encoding video to H.264 for small: its height is set",
                "encoding audio from aac to Opus",
            ])
        #expect(decision.configured == WebRTCConfig(encodings: encodings) && decision.config == decision.configured)
        #expect(decision.planOfConfigured.missing.isEmpty)
    }

    @Test func aListIsMissingAsAWholeWhereTheInputHasNoVideo() throws {
        let decision = try Self.decide(nil, [Encoding(), Encoding(rid: "vp8", codec: .vp8)])
        #expect(decision.plan == nil && decision.encodings.isEmpty)
        #expect(decision.planOfConfigured.missing == [.video])
        #expect(decision.reasons == ["no video leg: the input has no video", "encoding audio from aac to Opus"])
        #expect(try !decision.config.normalized().hasVideo)
    }

    @Test func anEncodingWhoseMapFindsNothingIsAnErrorWhereOthersFindSomething() {
        let error = #expect(throws: LegDecision.Impossible.self) {
            try Self.decide(Self.video("h264"), [Encoding(), Encoding(rid: "b", map: "0:v:1")])
        }
        #expect(error?.description == #"webrtc.encodings[1].map: the input has no video at "0:v:1""#)
    }

    @Test func onceAFlawHasShownAllThatWasCopiedOfThatVideoIsEncoded() throws {
        let encodings = [Encoding(rid: "a"), Encoding(rid: "b"), Encoding(rid: "c", codec: .vp8)]
        let decision = try Self.decide(Self.video("h264"), encodings)
        let other = try decision.transcoding(because: "reason")
        #expect(other.encodings.map(\.isCopy) == [false, false, false])
        #expect(other.encodings.map(\.reason) == ["reason", "reason", "it is h264, not VP8"])
        #expect(other.plan?.further["c"] == decision.plan?.further["c"])
    }

    @Test func aFlawThatShowsLaterIsAnErrorWhereOnlyACopyWillDo() throws {
        let decision = try Self.decide(Self.video("h264"), [Encoding(copiesOnly: true)])
        let error = #expect(throws: LegDecision.Impossible.self) { try decision.transcoding(because: "B-frames have turned up in it") }
        #expect(
            error?.description == "webrtc.encodings[0].copy: the input's video, h264, cannot be copied: B-frames have turned up in it; "
                + "leave \"copy\" out to have it encoded")
    }

    @Test func generatedPicturesAreEncodedToEach() throws {
        let config = WebRTCConfig(encodings: DemoInput.encodings(Self.ffmpeg))
        let decision = try LegDecision(generatedAt: 30, width: 1280, height: 720, config: config)
        #expect(decision.encodings.map(\.encoding.rid) == ["h264", "vp8"])
        let encode = LegPlan.Encoding(video: .transcode(framesPerSecond: 30), width: 1280, height: 720)
        #expect(decision.plan == LegPlan(first: encode, further: ["vp8": encode]))
    }

    // MARK: What FFmpeg cannot do

    @Test(arguments: [true, false]) func av1IsAnErrorBeforeFFmpeg8(isCopy: Bool) {
        let error = #expect(throws: LegDecision.Impossible.self) {
            try Self.decide(Self.video("av1", "Main"), [Encoding(codec: .av1, copiesOnly: isCopy)], Self.old)
        }
        #expect(error?.field == "encodings[0].codec")
        #expect(error?.problem.hasPrefix("this FFmpeg, 5.1, cannot send AV1: 8.0 is the first that can; ") == true)
    }

    @Test func aMissingEncoderIsAnErrorWhereItIsNeeded() throws {
        let ffmpeg = FFmpegAbilities(version: .newest, encoders: ["libvpx", "libopus"])
        #expect(try Self.decide(Self.video("hevc", "Main"), [Encoding(codec: .h265)], ffmpeg).isCopy)
        let error = #expect(throws: LegDecision.Impossible.self) { try Self.decide(Self.video("h264"), [Encoding(codec: .h265)], ffmpeg) }
        #expect(error?.field == "encodings[0].codec")
        #expect(error?.problem.hasPrefix("this FFmpeg cannot encode H.265: it was built without libx265; ") == true)
        let copied = try Self.decide(Self.video("h264"), [Encoding()], ffmpeg)
        #expect(throws: LegDecision.Impossible.self) { try copied.transcoding(because: "reason") }
        #expect(throws: LegDecision.Impossible.self) {
            try LegDecision(generatedAt: 30, width: 2, height: 2, config: WebRTCConfig(), ffmpeg: ffmpeg)
        }
    }

    @Test(arguments: AudioCodec.allCases) func soundIsEncodedToItsCodecIfThatCanBe(codec: AudioCodec) throws {
        let probe = MediaProbe(videos: [], audios: [.init(index: 0, codec: "mp3")])
        let config = WebRTCConfig(audioCodec: codec)
        #expect(try LegDecision(probe: probe, input: .live, config: config).audioReason == "encoding audio from mp3 to \(codec.name)")
        let error = #expect(throws: LegDecision.Impossible.self) {
            try LegDecision(probe: probe, input: .live, config: config, ffmpeg: FFmpegAbilities(encoders: []))
        }
        #expect(error?.field == "audio_codec" && error?.problem.contains(codec.encoder) == true)
    }

    // MARK: "auto"

    struct Automatic: CustomTestStringConvertible, Sendable {
        var video: MediaProbe.Video?
        var ffmpeg = EncodingDecisionTests.ffmpeg
        /// With what is copied in capitals.
        var list: [String]
        var testDescription: String { "\(video?.codec ?? "none") \(list)" }
    }

    static func with(_ encoders: Set<String>) -> FFmpegAbilities { FFmpegAbilities(encoders: encoders.union(["libopus"])) }

    @Test(arguments: [
        Automatic(video: video("h264"), list: ["H264", "vp8"]),
        Automatic(video: video("h264") { $0.hasBFrames = true }, list: ["h264", "vp8"]),
        Automatic(video: video("hevc", "Main"), list: ["H265", "vp8"]),
        Automatic(video: video("hevc", "Rext"), list: ["h264", "vp8"]),
        Automatic(video: video("vp8"), list: ["VP8"]),
        Automatic(video: video("vp8") { $0.gop = .seconds(9) }, list: ["h264", "vp8"]),
        Automatic(video: video("vp9", "Profile 0"), list: ["VP9", "vp8"]),
        Automatic(video: video("av1", "Main"), list: ["AV1", "vp8"]),
        Automatic(video: video("av1", "Main"), ffmpeg: old, list: ["h264", "vp8"]),
        Automatic(video: video("mpeg2video"), list: ["h264", "vp8"]),
        Automatic(video: nil, list: ["h264", "vp8"]),
        Automatic(video: video("h264"), ffmpeg: with([]), list: ["H264"]),
        Automatic(video: video("mpeg2video"), ffmpeg: with(["libvpx"]), list: ["vp8"]),
        Automatic(video: video("mpeg2video"), ffmpeg: with(["libx264"]), list: ["h264"]),
    ])
    func aListIsMadeOfTheInputAndVP8(example: Automatic) throws {
        let decision = try Self.automatic(example.video, example.ffmpeg)
        #expect(decision.configured.encodings.map(\.rid) == example.list.map { $0.lowercased() })
        #expect(decision.configured.encodings.map(\.codec.rawValue) == example.list.map { $0.lowercased() })
        let made = decision.encodings.map { $0.isCopy ? $0.encoding.rid.uppercased() : $0.encoding.rid }
        #expect(made == (example.video == nil ? [] : example.list))
        _ = try decision.configured.normalized()
    }

    @Test func whereNothingCanBeMadeThatIsSaid() {
        let error = #expect(throws: LegDecision.Impossible.self) { try Self.automatic(Self.video("mpeg2video"), Self.with(["libx265"])) }
        #expect(error?.field == "encodings" && error?.problem.contains("built without libx264 and libvpx") == true)
    }

    @Test(arguments: [([], ["h264"]), (["libx264"], ["h264"]), (["libvpx"], ["vp8"]), (["libx264", "libvpx"], ["h264", "vp8"])])
    func theDemoHasWhatThisFFmpegCanMake(encoders: [String], rids: [String]) {
        #expect(DemoInput.encodings(FFmpegAbilities(encoders: Set(encoders))).map(\.rid) == rids)
    }
}
#endif
