#if Server
import Egress
import Foundation
import Testing

@testable import EgressServer

@Suite struct FFmpegAbilitiesTests {
    @Test func readsTheNamesInTheTableOfEncoders() {
        let table = [
            "Encoders:", " V..... = Video", " ------", " V....D libx264              libx264 H.264 (codec h264)",
            " A....D libopusenc           not it",
        ]
        let ffmpeg = FFmpegAbilities(encoders: FFmpegAbilities.names(inTable: table))
        #expect(ffmpeg.lack(encoding: VideoCodec.h264) == nil && ffmpeg.lack(encoding: AudioCodec.opus) != nil)
    }

    @Test func oneThatSaysNothingIsTakenToHaveEverything() {
        for codec in VideoCodec.allCases { #expect(FFmpegAbilities().makes(codec)) }
        for codec in AudioCodec.allCases { #expect(FFmpegAbilities().lack(encoding: codec) == nil) }
    }

    @Test(arguments: [(4, 4, false), (5, 1, false), (7, 1, false), (8, 0, true), (9, 0, true)])
    func av1CanBeSentSince8(major: Int, minor: Int, isSent: Bool) {
        let ffmpeg = FFmpegAbilities(version: FFmpegVersion(major: major, minor: minor))
        for codec in VideoCodec.allCases { #expect((ffmpeg.lack(sending: codec) == nil) == (isSent || codec != .av1)) }
        #expect(ffmpeg.makes(.av1) == isSent)
    }

    /// The names stand in the library too, as what FFmpeg is told.
    @Test func knowsTheEncodersThatLegsAreMadeWith() throws {
        for codec in VideoCodec.allCases {
            let config = try WebRTCConfig(encodings: [Encoding(codec: codec, height: 360)]).normalized()
            let arguments = FFmpegArguments.build(config, videoPort: 40_000)
            #expect(arguments.contains(codec.encoder), "\(codec)")
        }
        for codec in AudioCodec.allCases {
            let config = try WebRTCConfig(videoMap: "none", audioCodec: codec).normalized()
            #expect(FFmpegArguments.build(config, videoPort: 40_000).contains(codec.encoder), "\(codec)")
        }
    }

    @Test func asksTheBinaryOnce() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("ffmpeg").path
        let script = """
            #!/bin/sh
            echo "$*" >> '\(directory.path)/asked'
            case $* in -version) echo 'ffmpeg version 8.1 Copyright';; *) echo ' V....D libsvtav1  SVT-AV1';; esac
            """
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        var tools = try FFmpegTools(ffmpeg: path, ffprobe: "/bin/sh")
        await tools.readAbilities()
        #expect(tools.abilities == FFmpegAbilities(version: FFmpegVersion(major: 8, minor: 1), encoders: ["libsvtav1"]))
        #expect(VideoCodec.allCases.filter(tools.abilities.makes) == [.av1])
        let asked = try String(contentsOfFile: "\(directory.path)/asked", encoding: .utf8).split(separator: "\n")
        #expect(asked.sorted() == ["-hide_banner -encoders", "-version"])
    }
}
#endif
