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

    static let x265 = ["-c:v", "libx265", "-preset", "ultrafast"]
    static let x265Options = "keyint=20:min-keyint=20:bframes=0:scenecut=0:log-level=error"
    static let vpx = ["-deadline", "realtime", "-cpu-used", "8", "-g", "20"]

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
        let reason = try await Self.reason(film) { try LegDecision(probe: $0, input: $1, config: WebRTCConfig()) }
        #expect(reason.hasPrefix(film.reason), "\(reason)")
    }

    /// What is said of the input as it is, by the first of the encodings that are chosen for it.
    @Test(arguments: [
        Film(
            name: "sound.mp4", options: x265 + ["-x265-params", x265Options],
            reason: "copying video for h265: H.265, Main, no B-frames, a keyframe at least every 1 s"),
        Film(
            name: "sound.ts", options: x265 + ["-x265-params", x265Options + ":open-gop=0"],
            reason: "copying video for h265: H.265, Main, no B-frames, a keyframe at least every 1 s"),
        Film(
            name: "ten_bits.mkv", options: x265 + ["-pix_fmt", "yuv420p10le", "-x265-params", x265Options],
            reason: "copying video for h265: H.265, Main 10, no B-frames, a keyframe at least every 1 s"),
        Film(
            name: "range.mp4", options: x265 + ["-pix_fmt", "yuv422p", "-x265-params", x265Options],
            reason: "encoding video to H.264 for h264: it is hevc, not H.264"),
        Film(
            name: "reordered.mp4", options: x265 + ["-x265-params", "keyint=20:bframes=2:log-level=error"],
            reason: "encoding video to H.264 for h264: it is hevc, not H.264"),
        Film(
            name: "vp8.webm", options: ["-c:v", "libvpx"] + vpx,
            reason: "copying video for vp8: VP8, a keyframe at least every 1 s"),
        Film(
            name: "vp9.webm", options: ["-c:v", "libvpx-vp9"] + vpx,
            reason: "copying video for vp9: VP9, Profile 0, a keyframe at least every 1 s"),
        Film(
            name: "ten_bits.webm", options: ["-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p10le"] + vpx,
            reason: "copying video for vp9: VP9, Profile 2, a keyframe at least every 1 s"),
        Film(
            name: "profile_1.webm", options: ["-c:v", "libvpx-vp9", "-pix_fmt", "yuv444p"] + vpx,
            reason: "encoding video to H.264 for h264: it is vp9, not H.264"),
        Film(
            name: "av1.mp4", options: ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-g", "20"],
            reason: "copying video for av1: AV1, Main, a keyframe at least every 1 s"),
    ])
    func findsWhatCanBeCopiedOfEachCodec(film: Film) async throws {
        let reason = try await Self.reason(film) { try LegDecision(probe: $0, input: $1, config: WebRTCConfig(), automatic: .auto) }
        #expect(reason == film.reason)
    }

    static func reason(_ film: Film, _ decide: (MediaProbe, StreamInput.Kind) throws -> LegDecision) async throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString)-\(film.name)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let made = await Tool.output(
            of: "ffmpeg",
            ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=20:duration=2"] + film.options + [path])
        try #require(made != nil)
        let input = StreamInput(url: path)
        let probe = try await MediaProber(tools: FFmpegTools(ffmpeg: "ffmpeg", ffprobe: nil)).probe(input)
        return try decide(probe, input.kind).videoReason
    }
}
#endif
