#if Server
import Egress
import Foundation
import Testing

@testable import EgressServer

/// With the FFmpeg of this machine, and files that it makes.
@Suite struct MediaProberTests {
    struct Film: CustomTestStringConvertible, Sendable {
        var name: String
        var options: [String]
        /// What is said about it.
        var reason: String
        var testDescription: String { name }
    }

    static let x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "10"]

    @Test(arguments: [
        Film(name: "sound.mp4", options: x264, reason: "copying video: H.264"),
        Film(name: "sound.ts", options: x264, reason: "copying video: H.264"),
        Film(
            name: "refresh.mp4", options: x264 + ["-x264-params", "intra-refresh=1:keyint=10"],
            reason: "encoding video: some of its keyframes are not IDR pictures"),
        Film(
            name: "interlaced.mp4", options: ["-vf", "tinterlace=interleave_top,fieldorder=tff"] + x264 + ["-flags", "+ilme+ildct"],
            reason: "encoding video: it is interlaced"),
    ])
    func findsWhatSpeaksAgainstCopying(film: Film) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString)-\(film.name)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let made = await Tool.output(
            of: "ffmpeg",
            ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=20:duration=2"] + film.options + [path])
        try #require(made != nil)
        let input = StreamInput(url: path)
        let probe = try await MediaProber(tools: FFmpegTools(ffmpeg: "ffmpeg", ffprobe: nil)).probe(input)
        let decision = try LegDecision(probe: probe, input: input.kind, config: WebRTCConfig())
        #expect(decision.videoReason.hasPrefix(film.reason), "\(decision.videoReason)")
    }
}
#endif
