#if Server
import Egress
import Foundation
import Synchronization
import Testing

@testable import EgressServer

/// With the FFmpeg of this machine, which is told what a stream's FFmpeg is told.
@Suite struct KeyPictureTests {
    /// All that this FFmpeg can make, at full and at half the rate.
    @Test func allEncodingsHaveThemAtTheSameTimes() async throws {
        let ffmpeg = await FFmpegAbilities.asking("ffmpeg")
        let codecs = VideoCodec.allCases.filter(ffmpeg.makes)
        try #require(codecs.contains(.h264) && codecs.contains(.vp8))
        let full = codecs.map { Encoding(rid: "\($0)", codec: $0, bitRate: 300_000) }
        let half = codecs.map { Encoding(rid: "\($0)-half", codec: $0, width: 160, frameRate: 12.5) }
        for encodings in [full, half, [full[0], half[0], Encoding(rid: "vp8", codec: .vp8, height: 90)]] {
            let tracks = try await Self.tracks(encodings, ffmpeg, film: ["-g", "50"])
            for track in tracks { #expect(track.keyTimes.count == 3, "\(track.rid): \(track.keyTimes)") }
            for track in tracks where track.rid.hasSuffix("half") { #expect((60...66).contains(track.pictures), "\(track)") }
            for track in tracks where !track.rid.hasSuffix("half") { #expect((122...126).contains(track.pictures), "\(track)") }
            Self.expectSameTimes(tracks)
        }
    }

    /// The copied one's are the input's, which are as far apart.
    @Test func whatIsEncodedHasThemWhereTheCopyHasThem() async throws {
        let ffmpeg = await FFmpegAbilities.asking("ffmpeg")
        let encodings = [Encoding(rid: "copied", copiesOnly: true), Encoding(rid: "vp8", codec: .vp8)]
        let tracks = try await Self.tracks(encodings, ffmpeg, film: ["-g", "50"])
        #expect(tracks.map(\.keyTimes.count) == [3, 3])
        Self.expectSameTimes(tracks)
    }

    /// A picture of 30 a second is never at 1.05 s: the first behind each of the times is the one.
    @Test func atRatesThatDoNotGoTogetherTheyAreLessThanAPictureApart() async throws {
        let ffmpeg = await FFmpegAbilities.asking("ffmpeg")
        let encodings = [
            Encoding(rid: "a", gopMilliseconds: 1_050), Encoding(rid: "b", codec: .vp8, frameRate: 7, gopMilliseconds: 1_050),
        ]
        let tracks = try await Self.tracks(encodings, ffmpeg, film: ["-g", "50"])
        #expect(tracks.map(\.keyTimes.count) == [5, 5])
        for (one, other) in zip(tracks[0].keyTimes, tracks[1].keyTimes) { #expect((one - other).magnitude < 90_000 / 7, "\(one) \(other)") }
    }

    /// Its GOP of 10 s would be nobody's, were a rung a copy.
    @Test func thoseOfALadderHaveThemAtTheSameTimesWhateverTheInputHas() async throws {
        let ffmpeg = await FFmpegAbilities.asking("ffmpeg")
        let tracks = try await Self.tracks(ofSize: "1280x720", film: ["-g", "250"]) { probe, input in
            try LegDecision(probe: probe, input: input, config: WebRTCConfig(), automatic: .ladder, ffmpeg: ffmpeg)
        }
        #expect(tracks.map(\.rid) == ["720p", "360p", "240p"])
        for track in tracks { #expect(track.keyTimes.count == 3 && (122...126).contains(track.pictures), "\(track)") }
        Self.expectSameTimes(tracks)
    }

    struct Track: Sendable {
        var rid: String
        var pictures: Int
        /// In 90,000ths of a second.
        var keyTimes: [Double]
    }

    /// By the reports, which say the same only when the outputs begin at one time.
    static func expectSameTimes(_ tracks: [Track]) {
        for track in tracks.dropFirst() {
            let distances = zip(track.keyTimes, tracks[0].keyTimes).map { ($0 - $1).magnitude }
            #expect(distances.allSatisfy { $0 <= 2 }, "\(track.rid): \(distances)")
        }
    }

    static func tracks(_ encodings: [Encoding], _ ffmpeg: FFmpegAbilities, film: [String]) async throws -> [Track] {
        try await tracks(ofSize: "320x180", film: film) { probe, input in
            try LegDecision(probe: probe, input: input, config: WebRTCConfig(encodings: encodings), ffmpeg: ffmpeg)
        }
    }

    /// Runs FFmpeg over five seconds of film at 25 pictures a second.
    static func tracks(
        ofSize size: String, film: [String], decide: (MediaProbe, StreamInput.Kind) throws -> LegDecision
    ) async throws -> [Track] {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString).mp4").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-sc_threshold", "0"]
        let source = ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=\(size):rate=25:duration=5"]
        try #require(await Tool.output(of: "ffmpeg", source + x264 + film + [path]) != nil)
        let input = StreamInput(url: path, loops: false)
        let probe = try await MediaProber(tools: FFmpegTools(ffmpeg: "ffmpeg", ffprobe: nil)).probe(input)
        return try await received(try decide(probe, input.kind), input)
    }

    private static func received(_ decision: LegDecision, _ input: StreamInput) async throws -> [Track] {
        let config = try decision.config.normalized()
        let receivers = try config.videoEncodings.map { try RTPReceiver($0) }
        let ports = receivers.map(\.port)
        let legs = FFmpegArguments.build(config, videoPort: ports[0], furtherPorts: Array(ports.dropFirst()), plan: decision.plan)
        let isDone = Mutex(false)
        async let output = run(["-nostdin", "-v", "error"] + input.probeArguments + legs, isDone)
        // Each socket has room for what comes in the meantime.
        while !isDone.withLock({ $0 }) {
            for receiver in receivers { receiver.read() }
            try await Task.sleep(for: .milliseconds(2))
        }
        try #require(await output != nil)
        for receiver in receivers { receiver.read() }
        return try receivers.map { receiver in
            Track(rid: receiver.encoding.rid, pictures: receiver.pictures.count, keyTimes: try #require(receiver.keyTimes))
        }
    }

    private static func run(_ arguments: [String], _ isDone: borrowing Mutex<Bool>) async -> [String]? {
        let output = await Tool.output(of: "ffmpeg", arguments)
        isDone.withLock { $0 = true }
        return output
    }
}
#endif
