#if Server
import Foundation
import Testing

@testable import EgressServer

@Suite struct FFmpegVersionTests {
    @Test(arguments: [
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers", FFmpegVersion(major: 5, minor: 1)),
        ("ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright", FFmpegVersion(major: 4, minor: 4)),
        ("ffmpeg version n7.1 Copyright", FFmpegVersion(major: 7, minor: 1)),
        ("ffmpeg version 8.0", FFmpegVersion(major: 8, minor: 0)), ("ffmpeg version 9", FFmpegVersion(major: 9, minor: 0)),
        ("ffmpeg version N-112233-gabcdef01 Copyright", .newest), ("ffmpeg version git-2025-01-02-abcdef", .newest),
        ("ffmpeg version 2025-01-02-git-abcdef-full_build Copyright", .newest),
        ("ffmpeg version 99999999999999999999.1", .newest), ("ffmpeg version", .newest), ("", .newest), ("bash: no such thing", .newest),
    ])
    func isReadFromTheFirstLine(line: String, version: FFmpegVersion) {
        #expect(FFmpegVersion(line: line) == version)
    }

    @Test func saysWhatOptionsAreCalled() {
        let old = FFmpegVersion(major: 4, minor: 4)
        let bookworm = FFmpegVersion(major: 5, minor: 1)
        #expect(old.frameTiming("vfr") == ["-vsync", "vfr"])
        #expect(bookworm.frameTiming("passthrough") == ["-fps_mode", "passthrough"])
        #expect(old.rtspTimeoutOption == "-stimeout")
        #expect(bookworm.rtspTimeoutOption == "-timeout")
    }

    @Test func isAskedOfFFmpegItself() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("egress-ffmpeg-\(UUID().uuidString)").path
        try "#!/bin/sh\n[ \"$1\" = -version ] && echo ffmpeg version 6.0.1 Copyright".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        var tools = try FFmpegTools(ffmpeg: path, ffprobe: "/bin/sh")
        await tools.readAbilities()
        #expect(tools.version == FFmpegVersion(major: 6, minor: 0))
    }
}
#endif
