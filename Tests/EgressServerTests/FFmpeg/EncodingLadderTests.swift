#if Server
import Egress
import Testing

@testable import EgressServer

/// `"encodings": "ladder"`.
@Suite struct EncodingLadderTests {
    static func video(_ width: Int?, _ height: Int?, rotation: Int = 0) -> MediaProbe.Video {
        LegDecisionTests.video {
            $0.width = width
            $0.height = height
            $0.rotation = rotation
        }
    }

    static func decide(
        _ video: MediaProbe.Video?, config: WebRTCConfig = WebRTCConfig(), _ ffmpeg: FFmpegAbilities = LegDecisionTests.ffmpeg
    ) throws -> LegDecision {
        let probe = MediaProbe(videos: video.map { [$0] } ?? [], audios: [.init(index: 1, codec: "aac")])
        return try LegDecision(probe: probe, input: .live, config: config, automatic: .ladder, ffmpeg: ffmpeg)
    }

    struct Example: CustomTestStringConvertible, Sendable {
        var input: (Int, Int)
        var rotation = 0
        /// Name, width, height, bit/s.
        var rungs: [String]
        var testDescription: String { "\(input.0) x \(input.1), \(rotation)°" }
    }

    @Test(arguments: [
        Example(input: (1_920, 1_080), rungs: ["1080p -x1080 4500000", "720p -x720 2000000", "360p -x360 600000"]),
        Example(input: (1_280, 720), rungs: ["720p -x720 2000000", "360p -x360 600000", "240p -x240 300000"]),
        Example(input: (854, 480), rungs: ["480p -x480 1200000", "360p -x360 600000", "240p -x240 300000"]),
        Example(input: (640, 360), rungs: ["360p -x360 600000", "240p -x240 300000", "144p -x144 150000"]),
        Example(input: (426, 240), rungs: ["240p -x240 300000", "144p -x144 150000"]),
        Example(input: (256, 144), rungs: ["144p -x144 150000"]),
        Example(input: (64, 64), rungs: ["64p -x64 50000"]),
        Example(input: (1, 1), rungs: ["2p -x2 50000"]),
        // More than 1080p is for those who list it.
        Example(input: (3_840, 2_160), rungs: ["1080p -x1080 4500000", "720p -x720 2000000", "360p -x360 600000"]),
        // Neither even nor one of the table.
        Example(input: (1_601, 901), rungs: ["900p -x900 3250000", "480p -x480 1200000", "360p -x360 600000"]),
        Example(input: (720, 576), rungs: ["576p -x576 1070000", "360p -x360 420000", "240p -x240 210000"]),
        Example(input: (1_440, 1_080), rungs: ["1080p -x1080 3380000", "720p -x720 1500000", "360p -x360 450000"]),
        // Upright, as it comes or because it is to be turned.
        Example(input: (1_080, 1_920), rungs: ["1080p 1080x- 4500000", "720p 720x- 2000000", "360p 360x- 600000"]),
        Example(input: (1_280, 720), rotation: 90, rungs: ["720p 720x- 2000000", "360p 360x- 600000", "240p 240x- 300000"]),
        Example(input: (1_280, 720), rotation: 180, rungs: ["720p -x720 2000000", "360p -x360 600000", "240p -x240 300000"]),
        // A strip.
        Example(input: (8_000, 100), rungs: ["100p -x100 3260000"]),
    ])
    func itsRungsFollowFromTheSizeOfTheInput(example: Example) throws {
        let decision = try Self.decide(Self.video(example.input.0, example.input.1, rotation: example.rotation))
        let encodings = decision.configured.encodings
        let rungs = encodings.map { encoding in
            let sides = [encoding.width, encoding.height].map { $0 == 0 ? "-" : "\($0)" }
            return "\(encoding.rid) \(sides.joined(separator: "x")) \(encoding.bitRate)"
        }
        #expect(rungs == example.rungs)
        #expect(encodings.allSatisfy { $0.codec == .h264 && $0.frameRate == 0 && $0.gopMilliseconds == 0 })
        _ = try decision.configured.normalized()
        #expect(decision.encodings.map(\.encoding) == encodings)
    }

    @Test func eachOfItsSizesIsNoLargerThanTheInputAndTakesMuchLessThanTheOneBefore() throws {
        for shorter in 2...2_200 {
            let encodings = try EncodingLadder(of: Self.video(shorter * 16 / 9, shorter)).encodings
            #expect((1...3).contains(encodings.count))
            #expect(encodings.allSatisfy { $0.height <= shorter && $0.height.isMultiple(of: 2) })
            for (above, below) in zip(encodings, encodings.dropFirst()) {
                #expect(Double(above.bitRate) >= 1.5 * Double(below.bitRate) && above.height > below.height)
            }
        }
    }

    @Test func nothingOfItIsACopyAlsoOfWhatBrowsersPlay() throws {
        #expect(try LegDecisionTests.decide([LegDecisionTests.video()]).isCopy)
        let decision = try Self.decide(LegDecisionTests.video())
        #expect(decision.encodings.map(\.isCopy) == [false, false, false])
        #expect(decision.videoReason == "encoding video to H.264 for 720p: the key pictures of a ladder have to come at the same times")
    }

    /// It is made once, and then goes by whatever the input turns into: with the same words, so that nothing has changed.
    @Test func itStaysAsTheStreamWasStartedWithIt() throws {
        let started = try Self.decide(Self.video(1_280, 720))
        #expect(try Self.decide(Self.video(1_280, 720), config: started.configured) == started)
        let later = try Self.decide(Self.video(640, 480), config: started.configured)
        #expect(later.configured == started.configured && later.videoReason == started.videoReason)
    }

    @Test func withoutAPictureAtPresentItIsThatOf720p() throws {
        let decision = try Self.decide(nil)
        #expect(decision.configured.encodings.map(\.rid) == ["720p", "360p", "240p"])
        #expect(decision.plan == nil && decision.planOfConfigured.missing == [.video])
    }

    @Test(arguments: [(nil, nil), (1_280, nil), (0, 0)] as [(Int?, Int?)])
    func anInputThatDoesNotTellItsSizeHasNone(width: Int?, height: Int?) {
        let error = #expect(throws: LegDecision.Impossible.self) { try Self.decide(Self.video(width, height)) }
        #expect(error?.description.hasPrefix("webrtc.encodings: \"ladder\" goes by the size of the pictures") == true)
    }

    @Test func anFFmpegWithoutItsEncoderIsNamedAtTheStartAndLater() throws {
        let ffmpeg = FFmpegAbilities(encoders: ["libvpx", "libopus"])
        let error = #expect(throws: LegDecision.Impossible.self) { try Self.decide(Self.video(1_280, 720), ffmpeg) }
        #expect(error?.description.hasPrefix("webrtc.encodings: this FFmpeg cannot encode H.264: it was built without libx264") == true)
        let stream = try #require(try WebRTCBlockTests.stream(#"{"encodings": "ladder"}"#))
        let unable = #expect(throws: FFmpegTools.Unable.self) { try stream.check(ffmpeg) }
        #expect(unable?.description.hasPrefix("streams.cam.webrtc.encodings: this FFmpeg cannot encode H.264") == true)
        try stream.check(FFmpegAbilities(encoders: ["libx264"]))
    }
}
#endif
